import type { Express } from 'express'
import fc from 'fast-check'
import { RelyingPartyError } from '../../src/index.js'
import { type Answer, exchange, type Sent } from './exchange.js'

/** What became of an input that was handled as it should be. */
export type Outcome = 'accepted' | 'refused'

/** One kind of input. */
export interface Target<Input> {
  readonly name: string
  readonly input: fc.Arbitrary<Input>
  /** The least share of inputs that are accepted, which shows that they reach the code behind the first checks. */
  readonly accepted: number
  /** Sets up what inputs are sent to, anew every so often. What an input does may not depend on those before it. */
  prepare(): Promise<(input: Input) => Promise<Outcome>>
}

export interface FuzzOptions {
  readonly seed: number
  readonly runs: number
  /** The path of one input, as a failure prints it. */
  readonly path?: string
}

export interface Report {
  readonly runs: number
  readonly accepted: number
}

/** The CPU time that one input may take. In milliseconds. */
const BUDGET = 100

/** After so many inputs the world is made anew, so that what it has stored stays small. */
const GENERATION = 2_000

/** How long the smallest failing input is looked for. In milliseconds. */
const SHRINKING = 10_000

/** Runs a target. Rejects with the seed, the path and the input that was not handled as it should be. */
export async function fuzz<Input>(target: Target<Input>, { seed, runs, path }: FuzzOptions): Promise<Report> {
  const report = { runs: 0, accepted: 0 }
  let handle = await target.prepare()
  const unhandled = catchUnhandled()
  const property = fc.asyncProperty(target.input, async (input) => {
    if (report.runs > 0 && report.runs % GENERATION === 0) handle = await target.prepare()
    const outcome = await attempt(handle, input)
    if (unhandled.errors.length > 0) throw new Error('an error was not handled', { cause: unhandled.errors.pop() })
    report.runs += 1
    if (outcome === 'accepted') report.accepted += 1
  })
  try {
    const parameters = { seed, numRuns: path === undefined ? runs : 1, ...(path === undefined ? {} : { path }) }
    const details = await fc.check(property, { ...parameters, endOnFailure: true })
    if (details.failed) throw failure(target.name, await smallest(property, details))
  } finally {
    unhandled.stop()
  }
  if (path === undefined && report.accepted < target.accepted * runs) {
    throw new Error(
      `${target.name}: only ${report.accepted} of ${runs} inputs were accepted, so most miss what they test`,
    )
  }
  return report
}

/** Looks for a smaller input that fails too. What takes long is not tried again and again. */
async function smallest<Input>(property: fc.IAsyncProperty<[Input]>, found: fc.RunDetails<[Input]>) {
  if (found.errorInstance instanceof TooSlow) return found
  const { seed, counterexamplePath: path } = found
  const details = await fc.check(property, {
    seed,
    numRuns: 1,
    interruptAfterTimeLimit: SHRINKING,
    ...(path === null ? {} : { path }),
  })
  return details.failed && details.counterexample ? details : found
}

/** Handles one input, and demands that it does not take too much CPU time. */
async function attempt<Input>(handle: (input: Input) => Promise<Outcome>, input: Input): Promise<Outcome> {
  const begun = performance.now()
  const outcome = await handled(handle, input)
  // To read the clock is cheap, to ask for the CPU time is not.
  if (performance.now() - begun <= BUDGET) return outcome
  // Other programs, the compiler and the garbage collector disturb one measurement, but not three.
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3 && least > BUDGET; i += 1) {
    const before = process.cpuUsage()
    await handled(handle, input)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  if (least > BUDGET) throw new TooSlow(`it took ${Math.round(least)} ms of CPU time`)
  return outcome
}

class TooSlow extends Error {}

async function handled<Input>(handle: (input: Input) => Promise<Outcome>, input: Input): Promise<Outcome> {
  const outcome = await handle(input)
  // Unhandled rejections are reported before the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve))
  return outcome
}

const UNHANDLED = ['uncaughtException', 'unhandledRejection'] as const

/** Collects errors that nothing handles, in place of whoever else listens for them. */
function catchUnhandled() {
  const errors: unknown[] = []
  const listen = (error: unknown) => void errors.push(error)
  const others = UNHANDLED.map((event) => process.listeners(event as 'uncaughtException'))
  for (const event of UNHANDLED) process.removeAllListeners(event).on(event, listen)
  function stop(): void {
    UNHANDLED.forEach((event, i) => {
      process.removeListener(event, listen)
      for (const other of others[i] ?? []) process.on(event, other)
    })
  }
  return { errors, stop }
}

function failure<Input>(name: string, details: fc.RunDetails<[Input]>): Error {
  const { seed, counterexample, counterexamplePath, errorInstance } = details
  const input = JSON.stringify(counterexample?.[0], cutLong)
  const replay = `npm run fuzz -- --target ${name} --seed ${seed} --path ${counterexamplePath ?? ''}`
  return new Error(`${name}: ${String(errorInstance)}\n\ninput: ${input}\nreplay: ${replay}`, { cause: errorInstance })
}

function cutLong(_name: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > 400 ? `${value.slice(0, 400)}…` : value
}

/** An application that keeps the errors it answered with. */
export interface World {
  readonly app: Express
  readonly errors: unknown[]
}

/** What a provider may be blamed for: unusable answers, refused credentials, an outage. */
export const PROVIDER_AT_FAULT: readonly number[] = [502, 503]

/** The longest message that is still one. In characters. */
const MAX_MESSAGE = 1_000

/**
 * Sends a request and demands a clean answer: below status 500, or an error of this package that says the provider is
 * at fault, where that may be; no exception; no oversized message or cookie.
 *
 * @param atFault - the statuses from 500 that are right here
 */
export async function send({ app, errors }: World, sent: Sent, atFault: readonly number[] = []): Promise<Answer> {
  errors.length = 0
  const answer = await exchange(app, sent)
  const [error, ...more] = errors
  if (more.length > 0) throw new Error('several errors', { cause: errors })
  if (error !== undefined && !(error instanceof RelyingPartyError)) throw new Error('an exception', { cause: error })
  if (answer.status >= 500 && !(error && atFault.includes(answer.status))) {
    throw new Error(`the answer is ${answer.status}`, { cause: error ?? answer.body.slice(0, 500) })
  }
  if (error && error.message.length > MAX_MESSAGE) throw new Error('the message is oversized', { cause: error })
  const cookie = answer.setCookie.find((line) => line.length > 4096)
  if (cookie) throw new Error(`a cookie has ${cookie.length} characters`)
  return answer
}
