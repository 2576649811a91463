import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** A fenced block of code in a Markdown text. */
export interface CodeBlock {
  /** The language of the fence, in lower case, such as `ts`. */
  readonly language: string
  readonly code: string
  /** The line where the code begins, counted from 1. */
  readonly line: number
}

/** Returns the code blocks of a Markdown text. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const fence = /^( *)```(\w*)[^\n]*\n(.*?)^\1```$/gms
  return [...markdown.matchAll(fence)].map(({ 2: language = '', 3: code = '', index }) => ({
    language: language.toLowerCase(),
    code,
    line: markdown.slice(0, index).split('\n').length + 1,
  }))
}

/** Returns the targets of links and images outside code. */
export function links(markdown: string): string[] {
  const prose = markdown.replace(/^( *)```.*?^\1```$/gms, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(\s*<?([^()\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)].map(([, target = '']) => target)
}

/** Returns the anchors of a text's headings, as GitHub generates them. */
export function anchors(markdown: string): Set<string> {
  const prose = markdown.replace(/^( *)```.*?^\1```$/gms, '')
  const found = new Set<string>()
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-')
    let anchor = slug
    for (let n = 1; found.has(anchor); n++) anchor = `${slug}-${n}`
    found.add(anchor)
  }
  return found
}

/**
 * Finds the broken links of a text: to a file or heading that does not exist.
 *
 * @param root - the folder of the repository
 * @param path - of the text, below `root`
 * @param read - reads a file below `root`
 */
export function brokenLinks(root: string, path: string, markdown: string, read: (path: string) => string): string[] {
  return links(markdown).filter((target) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return false
    const [file = '', anchor] = target.split('#', 2)
    const linked = file === '' ? path : join(dirname(path), file)
    if (linked.startsWith('..') || !existsSync(join(root, linked))) return true
    if (anchor === undefined || !linked.endsWith('.md')) return false
    return !anchors(linked === path ? markdown : read(linked)).has(anchor)
  })
}

/** Returns the syntax errors of a block of JavaScript or TypeScript. */
export function syntaxErrors({ code, language, line }: CodeBlock): string[] {
  const { diagnostics = [] } = ts.transpileModule(code, {
    reportDiagnostics: true,
    fileName: /^(js|javascript|mjs)$/.test(language) ? 'block.js' : 'block.ts',
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  })
  return diagnostics.map((diagnostic) => describeError(diagnostic, line))
}

/**
 * Returns the type errors of TypeScript texts, as if they were files.
 *
 * @param texts - by path
 * @param options - of the compiler
 */
export function typeErrors(texts: ReadonlyMap<string, string>, options: ts.CompilerOptions): string[] {
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile, readFile } = host
  host.fileExists = (path) => texts.has(path) || fileExists(path)
  host.readFile = (path) => texts.get(path) ?? readFile(path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = texts.get(path)
    return text === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion)
  }
  const program = ts.createProgram([...texts.keys()], options, host)
  return [...texts.keys()].flatMap((path) => {
    const file = program.getSourceFile(path)
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    return found.map((diagnostic) => `${path}:${describeError(diagnostic, 1)}`)
  })
}

function describeError({ file, start, messageText }: ts.Diagnostic, firstLine: number): string {
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : 0
  return `${firstLine + line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
}
