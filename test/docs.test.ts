import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { providerPages, withTable } from '../scripts/providerPages.js'
import * as providers from '../src/providers.js'
import { anchors, brokenLinks, codeBlocks, links, syntaxErrors, typeErrors } from './support/run/markdown.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** Lists the Markdown files of a folder and its subfolders. */
function pagesIn(folder: string): string[] {
  const paths = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return paths
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.md') && !path.includes('node_modules'))
}

const flows = pagesIn('docs/flows')
const programs = ['docs/social-login.md', ...pagesIn('docs/providers').filter((path) => !path.endsWith('README.md'))]
const pages = new Map(
  ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pagesIn('docs'), ...pagesIn('examples')].map((path) => [
    path,
    read(path),
  ]),
)

const isScript = /^(js|javascript|mjs|ts|typescript)$/

/** The names that the pages leave to the reader to define. */
const READERS_OWN = `declare const baseUrl: string, secret: string, issuer: string, clientId: string, clientSecret: string
declare function findOrCreate(iss: string, sub: string, claims: object): Promise<{ id: string; isNew: boolean }>
`

/** Returns the code of a page in some languages, by default TypeScript, from top to bottom, on its original lines. */
function codeOf(page: string, languages: readonly string[] = ['ts']): string {
  const lines: string[] = []
  for (const { language, code, line } of codeBlocks(page)) {
    if (!languages.includes(language)) continue
    while (lines.length < line - 1) lines.push('')
    lines.push(...code.split('\n'))
  }
  return lines.join('\n')
}

/** Returns the compiler options. Unused names are allowed: an example may leave the use of a value to the reader. */
function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.test.json'), ts.sys.readFile) as { config: object }
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
  return { ...options, noUnusedLocals: false, noUnusedParameters: false }
}

/** JavaScript reads the environment without a check: a variable of it may be undefined. */
const LENIENT: ts.CompilerOptions = { strict: false, strictNullChecks: false, exactOptionalPropertyTypes: false }

/** Lists the type errors of the code in pages, given by path. */
function typeErrorsOf(codes: ReadonlyMap<string, string>, more: ts.CompilerOptions = {}): string[] {
  const texts = new Map([[join(root, 'docs/readers-own.d.ts'), READERS_OWN]])
  for (const [path, code] of codes) texts.set(join(root, `${path}.ts`), code)
  return typeErrors(texts, { ...compilerOptions(), ...more }).map((error) => error.replace(root, ''))
}

/** Reads the files of `src`, by path. */
function readSources(): Map<string, string> {
  const paths = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  const files = paths.map((path) => path.replaceAll('\\', '/')).filter((path) => path.endsWith('.ts'))
  return new Map(files.map((path) => [path, read(`src/${path}`)]))
}

/** What every folder may import, and no diagram shows. */
const COMMON = new Set(['lib', 'errors.ts', 'auth.ts', 'events.ts'])

type Arrow = readonly [from: string, to: string]

/** Lists the imports of a file as arrows between the folders, or top-level files, of `src`. */
function importedFolders(path: string, text: string): Arrow[] {
  const folderOf = (file: string) => file.split('/', 1)[0] ?? file
  return [...text.matchAll(/\bfrom '(\.{1,2}\/[^']+)\.js'/g)]
    .map(([, target = '']): Arrow => [folderOf(path), folderOf(posix.join(posix.dirname(path), `${target}.ts`))])
    .filter(([from, to]) => from !== to && !COMMON.has(from) && !COMMON.has(to))
}

/** Reads the flowchart of a page: the files and folders it names, and its arrows between them. */
function readDiagram(page: string): { nodes: string[]; arrows: Arrow[] } {
  const { code = '' } = codeBlocks(page).find(({ code }) => code.startsWith('flowchart')) ?? {}
  const names = new Map<string, string[]>()
  for (const [, id = '', label = ''] of code.matchAll(/^ {2}(\w+)\["(.+?)<br\/>/gm)) {
    names.set(
      id,
      label.split(', ').map((name) => name.replace(/\/$/, '')),
    )
  }
  const arrows = [...code.matchAll(/^ {2}(\w+) --> (\w+)$/gm)].flatMap(([, from = '', to = '']) =>
    (names.get(from) ?? []).flatMap((start) => (names.get(to) ?? []).map((end): Arrow => [start, end])),
  )
  return { nodes: [...names.values()].flat(), arrows }
}

describe('the pages about providers', () => {
  it('are what scripts/providerPages.js writes', () => {
    const generated = providerPages(providers)
    expect([...generated.keys()].sort()).toEqual(readdirSync(join(root, 'docs/providers')).sort())
    for (const [name, page] of generated) expect(read(`docs/providers/${name}`)).toBe(page)
    expect(read('README.md')).toBe(withTable(read('README.md'), providers))
  })
})

describe('the documentation', () => {
  it.each([...pages])('%s links to files and headings that exist', (path, page) => {
    expect(brokenLinks(root, path, page, read)).toEqual([])
  })

  it('names only files that exist on the page about the architecture', () => {
    const named = [...read('docs/architecture.md').matchAll(/`((?:[\w.-]+\/)*[\w.-]+(?:\.ts|\/))`/g)].map(
      ([, path]) => path,
    )
    expect(named.length).toBeGreaterThan(40)
    const exists = (path = '') => [path, `src/${path}`].some((at) => existsSync(join(root, at)))
    expect(named.filter((path) => !exists(path))).toEqual([])
    expect([exists('src/errors.ts'), exists('errors.ts'), exists('middleware/errors.ts')]).toEqual([true, true, false])
  })

  it('names only functions that exist on the page about the architecture', () => {
    const sources = [...readSources().values()].join('\n')
    const named = [...read('docs/architecture.md').matchAll(/`(\w+)\(\)`/g)].map(([, name = '']) => name)
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => !sources.includes(`function ${name}(`))).toEqual([])
  })

  it('draws the imports between the folders of src as they are', () => {
    const { nodes, arrows } = readDiagram(read('docs/architecture.md'))
    const imports = [...readSources()].flatMap(([path, text]) => importedFolders(path, text))
    const foldersOfSource = readdirSync(join(root, 'src')).filter((name) => !COMMON.has(name))
    const reached = (from: string): string[] =>
      arrows.filter(([start]) => start === from).flatMap(([, end]) => [end, ...reached(end)])
    expect(nodes.sort()).toEqual(foldersOfSource.sort())
    expect(arrows.filter(([from, to]) => !imports.some(([start, end]) => start === from && end === to))).toEqual([])
    expect(imports.filter(([from, to]) => !reached(from).includes(to))).toEqual([])
    expect(arrows.length).toBeGreaterThan(15)
    expect(importedFolders('api/token/a.ts', "import { a } from '../../jwt/b.js'")).toEqual([['api', 'jwt']])
  })

  it('names no error code that does not exist', () => {
    const codes = new Set(read('src/errors.ts').match(/\bERR_[A-Z_]+(?=:)/g))
    expect(codes.size).toBeGreaterThan(20)
    const named = [...pages].flatMap(([path, page]) =>
      (page.match(/\bERR_[A-Z_]*[A-Z]\b/g) ?? []).map((code) => [path, code] as const),
    )
    expect(named.length).toBeGreaterThan(50)
    expect(named.filter(([, code]) => !codes.has(code))).toEqual([])
  })

  it('contains only JavaScript and TypeScript that parses', () => {
    const blocks = [...pages].flatMap(([path, page]) => codeBlocks(page).map((block) => ({ path, block })))
    const scripts = blocks.filter(({ block }) => isScript.test(block.language))
    expect(scripts.length).toBeGreaterThan(10)
    expect(scripts.flatMap(({ path, block }) => syntaxErrors(block).map((error) => `${path}:${error}`))).toEqual([])
  })

  it('has pages of flows whose TypeScript compiles against the package', () => {
    const codes = new Map(flows.map((path) => [path, codeOf(read(path))]))
    expect([...codes].filter(([, code]) => code === '')).toEqual([])
    expect(typeErrorsOf(codes)).toEqual([])
  }, 120_000)

  it('has pages of providers and of social login whose programs compile against the package', () => {
    const codes = new Map(programs.map((path) => [path, codeOf(read(path), ['js', 'ts'])]))
    expect(codes.size).toBeGreaterThan(19)
    expect([...codes].filter(([, code]) => code === '')).toEqual([])
    expect(typeErrorsOf(codes, LENIENT)).toEqual([])
    const spoiled = codeOf(read('docs/providers/okta.md'), ['js']).replace('domain:', 'host:')
    expect(typeErrorsOf(new Map([['docs/spoiled.md', spoiled]]), LENIENT)).toEqual([
      expect.stringContaining("'host' does not exist"),
    ])
  }, 120_000)

  it("lists every flow's page in the index", () => {
    const listed = links(read('docs/flows.md')).filter((target) => target.startsWith('flows/'))
    expect([...new Set(listed.map((target) => `docs/${target}`))].sort()).toEqual([...flows].sort())
  })

  it.each(flows)('%s has a sequence diagram, without semicolons, which end a line there', (path) => {
    const diagrams = codeBlocks(read(path)).filter(({ language }) => language === 'mermaid')
    expect(diagrams.map(({ code }) => code.split('\n', 1)[0])).toEqual(['sequenceDiagram'])
    expect(diagrams.filter(({ code }) => code.includes(';'))).toEqual([])
  })
})

describe('the documentation checks', () => {
  const spoiled = '# One `ts` & two\n\n[a](b.md) ![c](d.png "e") `[not](this.md)`\n\n```ts\n[nor](that.md)\n```\n'

  it('find links outside code, and the anchors of headings', () => {
    expect(links(spoiled)).toEqual(['b.md', 'd.png'])
    expect([...anchors(spoiled)]).toEqual(['one-ts--two'])
  })

  it.each([
    ['a file that exists', 'errors.md', true],
    ['a heading that exists', 'errors.md#err_configuration', true],
    ['a heading of the same page', '#concepts', true],
    ['another site', 'https://www.example.com/', true],
    ['a missing file', 'missing.md', false],
    ['a missing heading', 'errors.md#err_missing', false],
    ['a missing heading of the same page', '#missing', false],
    ['a file outside the repository', '../../outside.md', false],
  ])('recognize a link to %s', (_what, target, isSound) => {
    const broken = brokenLinks(root, 'docs/concepts.md', `# Concepts\n\n[text](${target})`, read)
    expect(broken).toEqual(isSound ? [] : [target])
  })

  it('find a syntax error with its line, and none in valid code', () => {
    const [sound, broken] = codeBlocks('```ts\nconst a: number = 1\n```\n\n```js\nok()\nconst = 1\n```\n')
    expect(sound && syntaxErrors(sound)).toEqual([])
    expect(broken && syntaxErrors(broken).join()).toMatch(/^7: /)
  })

  it('find an option that does not exist, with its line', () => {
    const page = (option: string) =>
      "text\n```ts\nimport { clientCredentials } from 'express-relying-party'\n```\ntext\n```ts\n" +
      `clientCredentials({ provider: { issuer, clientId }, ${option}: 'a' })\n\`\`\`\n`
    const errors = typeErrorsOf(
      new Map([
        ['docs/sound.md', codeOf(page('scope'))],
        ['docs/spoiled.md', codeOf(page('scopes'))],
      ]),
    )
    expect(errors).toEqual([expect.stringMatching(/^docs\/spoiled\.md\.ts:7: .*scopes/)])
  }, 120_000)
})
