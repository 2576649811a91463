/** Finds the errors in source files, with their messages. */
import ts from 'typescript'

/** A `new RelyingPartyError(…)` in a source file. */
export interface ErrorSite {
  /** File and line. */
  readonly at: string
  /** The code, if it is written there. */
  readonly code: string | undefined
  /** The status, if it is written there. */
  readonly status: number | undefined
  /** The literal parts of the message. */
  readonly texts: readonly string[]
}

/** Returns the errors that a source file creates. */
export function errorSites(path: string, source: string): ErrorSite[] {
  if (!source.includes('new RelyingPartyError(')) return []
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const constants = textConstants(file)
  const found: ErrorSite[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText(file) === 'RelyingPartyError') {
      const [code, message, options] = node.arguments ?? []
      const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
      found.push({
        at: `${path}:${line}`,
        code: code && ts.isStringLiteral(code) ? code.text : undefined,
        status: statusOf(options, file),
        texts: message ? textsOf(message, constants) : [],
      })
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** Returns the terms in a text that are for operators, not users: names of options and functions, and code. */
export function developerTermsIn(text: string): string[] {
  const terms = [
    // `relyingParty.secret`, `app.set`: a dot between two words.
    /\b[a-z]\w*\.[a-z]\w*/g,
    // camelCase.
    /\b[a-z]+[A-Z]\w*/g,
    // `callback()`, `session({ … })`.
    /\w+\([^)]*\)/g,
    /`[^`]*`?/g,
  ]
  return terms.flatMap((term) => text.match(term) ?? [])
}

function statusOf(options: ts.Expression | undefined, file: ts.SourceFile): number | undefined {
  const [, status] = /\bstatus: (\d{3})\b/.exec(options?.getText(file) ?? '') ?? []
  return status === undefined ? undefined : Number(status)
}

/** Returns the variables of a file, since a message may be in a constant. */
function textConstants(file: ts.SourceFile): ReadonlyMap<string, ts.Expression> {
  const constants = new Map<string, ts.Expression>()
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
      constants.set(node.name.text, node.initializer)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return constants
}

function textsOf(node: ts.Expression, constants: ReadonlyMap<string, ts.Expression>): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isParenthesizedExpression(node)) return textsOf(node.expression, constants)
  if (ts.isConditionalExpression(node)) {
    return [...textsOf(node.whenTrue, constants), ...textsOf(node.whenFalse, constants)]
  }
  if (ts.isBinaryExpression(node)) return [...textsOf(node.left, constants), ...textsOf(node.right, constants)]
  if (ts.isTemplateExpression(node)) {
    const filled = node.templateSpans.flatMap(({ expression, literal }) => [
      ...textsOf(expression, constants),
      literal.text,
    ])
    return [node.head.text, ...filled]
  }
  const constant = ts.isIdentifier(node) ? constants.get(node.text) : undefined
  return constant ? textsOf(constant, new Map()) : []
}
