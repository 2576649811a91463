/** Reads the imports of source files, and checks them against the rules of the architecture. */
import { posix } from 'node:path'
import ts from 'typescript'

/** Sources by path under `src`, such as `protocol/idToken.ts`. */
export type Sources = ReadonlyMap<string, string>

interface Import {
  /** As written, such as `../errors.js` or `express`. */
  specifier: string
  line: number
}

const expressPackages = ['express', 'express-serve-static-core', 'serve-static', 'body-parser', 'qs']

/**
 * The folders (or files at the top of `src`) that a folder may import from, besides itself. The lowest layers come first;
 * only the entry points import features (`login`, `logout`, `device`, `guards`, `api`).
 */
const mayImport: Record<string, readonly string[]> = {
  errors: [],
  auth: [],
  events: ['errors'],
  lib: ['errors'],
  jwt: ['errors', 'lib'],
  records: ['errors', 'lib'],
  provider: ['errors', 'auth', 'lib', 'jwt'],
  providers: ['errors', 'auth', 'lib', 'provider'],
  protocol: ['errors', 'auth', 'lib', 'jwt', 'provider'],
  request: ['errors', 'lib'],
  pages: ['errors', 'lib', 'provider', 'request'],
  setup: ['errors', 'auth', 'events', 'lib', 'jwt', 'provider', 'records', 'request', 'pages'],
  guards: ['errors', 'auth', 'lib', 'request'],
  'api/token': ['errors', 'auth', 'lib', 'jwt'],
  api: ['errors', 'auth', 'lib', 'jwt', 'records', 'request', 'guards', 'api/token'],
  session: ['errors', 'auth', 'lib', 'protocol', 'provider', 'records', 'request', 'pages', 'setup', 'guards'],
  login: ['errors', 'auth', 'lib', 'protocol', 'provider', 'records', 'request', 'pages', 'setup', 'session'],
  device: ['errors', 'lib', 'protocol', 'provider', 'records', 'request', 'pages', 'setup', 'session', 'login'],
  logout: ['errors', 'events', 'lib', 'protocol', 'provider', 'records', 'request', 'pages', 'setup', 'session'],
  headless: ['errors', 'lib', 'protocol', 'provider', 'records'],
  relyingParty: ['errors', 'request', 'setup', 'session', 'login', 'logout'],
  'resource-server': ['errors', 'auth', 'lib', 'records', 'guards', 'api', 'api/token'],
  redis: ['errors', 'lib', 'records'],
  postgres: ['errors', 'lib', 'records'],
  index: [
    'errors',
    'auth',
    'events',
    'pages',
    'provider',
    'setup',
    'session',
    'login',
    'device',
    'logout',
    'headless',
    'relyingParty',
    'resource-server',
  ],
}

/** The folders that handle requests, and so may import Express and its types. */
const mayImportExpress = [
  'request',
  'pages',
  'setup',
  'guards',
  'api',
  'session',
  'login',
  'device',
  'logout',
  'relyingParty',
  'resource-server',
  'index',
]
const mayImportExpressSession = [...mayImportExpress, 'records']

/**
 * Returns the broken rules, one sentence each.
 *
 * @param declared - the dependencies and peer dependencies in package.json
 */
export function violations(sources: Sources, declared: readonly string[]): string[] {
  const found: string[] = []
  const graph = new Map<string, string[]>()
  for (const [path, text] of sources) {
    const layer = layerOf(path)
    const allowed = mayImport[layer]
    if (allowed === undefined) found.push(`${path}: no import rule covers ${layer}`)
    const { imports, oddities } = importsOf(path, text)
    for (const oddity of oddities) found.push(`${path}:${oddity}`)
    graph.set(path, [])
    for (const { specifier, line } of imports) {
      const at = `${path}:${line}`
      if (specifier.startsWith('.')) {
        const target = resolve(path, specifier)
        if (!sources.has(target)) {
          found.push(`${at}: imports ${specifier}, which is not in src`)
          continue
        }
        graph.get(path)?.push(target)
        const other = layerOf(target)
        if (other !== layer && allowed !== undefined && !allowed.includes(other)) {
          found.push(`${at}: ${layer} must not import from ${other}`)
        }
      } else if (!specifier.startsWith('node:')) {
        const name = packageOf(specifier)
        if (expressPackages.includes(name)) {
          if (!mayImportExpress.includes(layer)) found.push(`${at}: ${layer} must not know Express (${specifier})`)
        } else if (name === 'express-session' && !mayImportExpressSession.includes(layer)) {
          found.push(`${at}: ${layer} must not know express-session`)
        }
        if (!declared.includes(name)) found.push(`${at}: package.json declares no dependency on ${name}`)
      }
    }
  }
  for (const cycle of cyclesIn(graph)) found.push(`import cycle: ${cycle.join(' -> ')}`)
  return found
}

/** The deepest folder that has a rule; at the top of `src`, the file. */
function layerOf(path: string): string {
  const [first = path, second] = path.split('/')
  const nested = `${first}/${second}`
  return nested in mayImport ? nested : first.replace(/\.ts$/, '')
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
}

/** `@types/express` counts as `express`. */
function packageOf(specifier: string): string {
  const [scope = specifier, name] = specifier.split('/')
  if (scope === '@types' && name !== undefined) return name
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}

/** Returns every import, in all forms that TypeScript has. Imports without a literal specifier are oddities. */
function importsOf(path: string, text: string): { imports: Import[]; oddities: string[] } {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  const imports: Import[] = []
  const oddities: string[] = []
  const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line + 1

  function add(node: ts.Node, specifier: ts.Node | undefined): void {
    const line = lineOf(node.getStart())
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) imports.push({ specifier: specifier.text, line })
    else oddities.push(`${line}: imports something that is not a string literal`)
  }

  function visit(node: ts.Node): void {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier)
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node, node.moduleSpecifier)
    else if (ts.isImportTypeNode(node))
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined)
    else if (ts.isExternalModuleReference(node)) add(node, node.expression)
    else if (ts.isModuleDeclaration(node) && ts.isStringLiteral(node.name)) add(node, node.name)
    else if (ts.isCallExpression(node) && loadsModule(node.expression)) add(node, node.arguments[0])
    else if (ts.isIdentifier(node) && node.text === 'Express' && namesNamespace(node)) {
      imports.push({ specifier: 'express', line: lineOf(node.getStart()) })
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  for (const { fileName, pos } of file.typeReferenceDirectives) {
    imports.push({ specifier: fileName, line: lineOf(pos) })
  }
  return { imports, oddities }
}

function loadsModule(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  return ts.isIdentifier(callee) && (callee.text === 'require' || callee.text === 'createRequire')
}

/** Checks for the global namespace `Express`, which has Express's types without an import. */
function namesNamespace(node: ts.Identifier): boolean {
  return (
    (ts.isQualifiedName(node.parent) && node.parent.left === node) ||
    (ts.isModuleDeclaration(node.parent) && node.parent.name === node)
  )
}

/** Returns one path per group of modules that import each other, types included. */
function cyclesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  function walk(module: string): void {
    const start = path.indexOf(module)
    if (start !== -1) {
      cycles.push([...path.slice(start), module])
    } else if (!done.has(module)) {
      path.push(module)
      for (const next of graph.get(module) ?? []) walk(next)
      path.pop()
      done.add(module)
    }
  }
  for (const module of graph.keys()) walk(module)
  return cycles
}
