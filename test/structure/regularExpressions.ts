/** Finds the regular expressions of source files, and times them on inputs that make a bad one slow. */
import { createContext, Script } from 'node:vm'
import ts from 'typescript'

export interface Expression {
  readonly source: string
  readonly flags: string
  /** Its location, such as `lib/check.ts:74`. */
  readonly place: string
}

/** Returns every regular expression literal of a file. Expressions built at run time cannot be timed; they are oddities. */
export function expressionsOf(path: string, text: string): { expressions: Expression[]; oddities: string[] } {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  const expressions: Expression[] = []
  const oddities: string[] = []

  function visit(node: ts.Node): void {
    const place = `${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      expressions.push({ source: node.text.slice(1, end), flags: node.text.slice(end + 1), place })
    } else if (ts.isIdentifier(node) && node.text === 'RegExp' && !ts.isTypeReferenceNode(node.parent)) {
      oddities.push(`${place}: uses RegExp`)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return { expressions, oddities }
}

/** In characters. */
const LENGTH = 20_000

/** A few members of every character class. */
const ALPHABET = [...'aZ09_-./\\:;=+%&?#@*,"\'<([{ \t\n\r', '\u0000', '\u00a0', 'é', '€']

/** The end of an input, which may prevent a match. */
const ENDS = ['', '!', '\n', '\u0000', 'a']

/**
 * Returns inputs for an expression: runs of each character and of each pair of the expression's own characters, alone and
 * after each literal text of the expression, with an end that may prevent a match.
 */
export function inputsFor({ source }: Pick<Expression, 'source'>): string[] {
  const plain = source.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const texts = plain.replace(/\\[bBdDwWsS]|\\p\{\w+\}/g, ' ').match(/(?:\\.|[^\\^$.*+?()[\]{}|\s])+/g) ?? []
  const words = [...new Set(texts.map((text) => text.replace(/\\(.)/g, '$1')))]
  const own = [...new Set([...words.join(''), 'a', '0', ' ', '/'])].slice(0, 12)
  const units = new Set([...ALPHABET, ...words, ...own])
  for (const first of own) for (const second of own) units.add(first + second)
  const inputs: string[] = []
  for (const unit of units) {
    const run = unit.repeat(Math.ceil(LENGTH / unit.length))
    for (const end of unit.length === 1 ? ENDS : ENDS.slice(0, 2)) inputs.push(run + end)
    if (unit.length === 1) for (const word of words.slice(0, 4)) inputs.push(`${word + run}!`)
  }
  return inputs
}

const SCRIPT = new Script(`
  let worst = 0
  for (const input of inputs) {
    let least = Infinity
    for (let i = 0; i < 3; i++) {
      const start = cpu()
      input.replace(expression, '')
      least = Math.min(least, cpu() - start)
      if (least < budget || least > 20 * budget) break
    }
    worst = Math.max(worst, least)
    if (worst > budget) break
  }
  worst
`)

/**
 * Returns the CPU time of an expression for its slowest input, the best of three runs. In milliseconds; `Infinity` if it
 * does not finish all inputs within the patience.
 *
 * @param patience - in milliseconds of wall-clock time, which passes on a busy machine too
 */
export function slowestRun(expression: Expression, budget: number, patience = 15_000): number {
  const flags = expression.flags.includes('g') ? expression.flags : `${expression.flags}g`
  const cpu = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  const inputs = inputsFor(expression)
  const context = createContext({ inputs, expression: new RegExp(expression.source, flags), cpu, budget })
  try {
    return Number(SCRIPT.runInContext(context, { timeout: patience }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return Number.POSITIVE_INFINITY
    throw error
  }
}
