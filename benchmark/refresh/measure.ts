import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Cluster, Outcome, Program, Refresh } from '../../test/storm/cluster.js'
import type { StoreUrls } from '../../test/storm/stores.js'
import { inParallel, type Storm, type StormSize, startStorm } from '../../test/storm/storm.js'

export interface Size {
  readonly sessions: number
  /** How many requests each session makes at once. */
  readonly requests: number
  readonly rounds: number
  /** How often a process is killed during refreshes. */
  readonly kills: number
  /** How many sessions the herd has, of which all tokens expire at once. */
  readonly herd: number
}

const PROCESSES = 4

/** How long a herd has to calm down: longer than a back-off. In milliseconds. */
const HERD_REST = 6000

/** How many sessions make their requests at the same time. */
const WIDTH = 20

/** Measures everything on one store and prints it. @param older - the path of a checkout of another version, if any */
export async function measure(name: string, urls: StoreUrls, size: Size, older?: string): Promise<void> {
  console.log(`\n${name}: ${PROCESSES} processes, ${size.sessions} sessions`)
  await withStorm(urls, { processes: PROCESSES, sessions: size.sessions }, async (storm) => {
    await measureWaits(storm, size)
    await measureRest(storm, size)
    await measureKills(storm, size)
  })
  await withStorm(urls, { processes: PROCESSES, sessions: size.sessions, shared: false }, (storm) =>
    measureUnshared(storm, size),
  )
  await measureHerds(urls, size, older)
}

/** Lets the tokens of all sessions expire at once, with this package and with others in its place. */
async function measureHerds(urls: StoreUrls, { herd }: Size, older: string | undefined): Promise<void> {
  const usual = { processes: PROCESSES, sessions: herd, session: {} }
  const byHand: Program = { entry: 'benchmark/refresh/byHand.ts' }
  const programs: [name: string, program: Program | undefined][] = [
    ['this package', undefined],
    ['openid-client and express-session by hand', byHand],
    ...(older === undefined
      ? []
      : [[`the checkout ${older}`, { plugins: [fromCheckout(older)] }] as [string, Program]]),
  ]
  for (const [name, program] of programs) {
    console.log(`  a herd of ${herd} sessions, with ${name}:`)
    await withStorm(urls, { ...usual, ...(program ? { program } : {}) }, measureHerd)
  }
}

/** Every session asks in every process, as a page with several requests does. */
async function measureHerd(storm: Storm): Promise<void> {
  const ask = async (times: number) => {
    const asked = storm.cookies.flatMap((cookie) =>
      Array.from({ length: times }, () => storm.cluster.send('/token', cookie)),
    )
    return Promise.all(asked)
  }
  await storm.expire()
  const outcomes = await ask(PROCESSES)
  const { refreshes, refused, revokedGrants } = storm.counted
  const count = (...statuses: number[]) => outcomes.filter(({ status }) => statuses.includes(status)).length
  print('requests: 200, 503, others', `${count(200)}, ${count(503)}, ${outcomes.length - count(200, 503)}`)
  print('wait', quantiles(outcomes.map(({ took }) => took)))
  print('token requests', refreshes + refused)
  print('of them refused', refused)
  print('grants ended by the provider', revokedGrants)
  await wait(HERD_REST)
  await storm.expire()
  await ask(1)
  await wait(HERD_REST)
  const lost = storm.cookies.length - (await storm.signedIn()).length
  print('sessions lost by the next expiry', `${lost} of ${storm.cookies.length}`)
}

/** Builds the processes with the source of another checkout. What it does not export yet does nothing. */
function fromCheckout(folder: string): NonNullable<Program['plugins']>[number] {
  const source = resolve(folder, 'src')
  const contents = `export * from './index.ts'
    import * as all from './index.ts'
    export const storeErrors = all.storeErrors ?? (() => (req, res, next) => next())
    export const storeTimeout = all.storeTimeout ?? ((store) => store)`
  return {
    name: 'checkout',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\/src\/(index|redis|postgres)\.js$/ }, ({ path }) => {
        const name = path.replace(/^.*\/|\.js$/g, '')
        return name === 'index' ? { path: name, namespace: 'checkout' } : { path: join(source, `${name}.ts`) }
      })
      onLoad({ filter: /^index$/, namespace: 'checkout' }, () => ({ contents, loader: 'ts', resolveDir: source }))
    },
  }
}

async function withStorm(urls: StoreUrls, size: StormSize, act: (storm: Storm) => Promise<void>): Promise<void> {
  const storm = await startStorm(urls, size)
  try {
    await act(storm)
  } finally {
    await storm.close()
  }
}

/** All sessions make all their requests, with valid and with expired access tokens in turn. */
async function measureWaits(storm: Storm, { sessions, requests, rounds }: Size): Promise<void> {
  const valid: Outcome[] = []
  const expired: Outcome[] = []
  storm.cluster.takeRefreshes()
  await storm.expire()
  await ask(storm, sessions, 1)
  const warmUp = storm.counted.refreshes
  storm.cluster.takeRefreshes()
  for (let round = 0; round < rounds; round++) {
    valid.push(...(await ask(storm, sessions, requests)))
    await storm.expire()
    expired.push(...(await ask(storm, sessions, requests)))
  }
  const gaps = gapsOf(storm.cluster.takeRefreshes())
  const { refused, revokedGrants } = storm.counted
  print('requests at expiry', expired.length)
  print('of them failed', expired.filter(({ status }) => status !== 200).length)
  print('sessions times rounds', sessions * rounds)
  print('token requests', storm.counted.refreshes - warmUp + refused)
  print('of them refused', refused)
  print('grants ended by the provider', revokedGrants)
  const [before, after] = [valid.map(({ took }) => took), expired.map(({ took }) => took)]
  print('wait for a valid token', quantiles(before))
  print('wait for an expired one', quantiles(after))
  print(
    'ratio',
    ([0.5, 0.99] as const).map((q) => `${(quantile(after, q) / quantile(before, q)).toFixed(2)} x`).join(', '),
  )
  print('refresh token sent until new one stored', quantiles(gaps))
}

/** One session after the other: a refresh on an otherwise idle machine. */
async function measureRest(storm: Storm, { sessions }: Size): Promise<void> {
  await storm.expire()
  await inParallel(1, Math.min(sessions, 100), async (i) => {
    await storm.cluster.send('/token', storm.cookies[i] as string)
  })
  print('the same on an otherwise idle machine', quantiles(gapsOf(storm.cluster.takeRefreshes())))
}

/** Kills a process during a refresh, repeatedly, and counts lost sessions. */
async function measureKills(storm: Storm, { sessions, kills }: Size): Promise<void> {
  const { cluster } = storm
  let [inProgress, lost, elsewhere, broken] = [0, 0, 0, 0]
  for (let kill = 0; kill < kills; kill++) {
    await storm.expire()
    cluster.takeRefreshes()
    const killing = killSoon(cluster)
    const outcomes = await ask(storm, sessions, PROCESSES)
    const victim = await killing
    const interrupted = cluster.takeRefreshes().filter((sent) => sent.process === victim && sent.storedAt === undefined)
    await cluster.restart(victim)
    const kept = new Set(await storm.signedIn())
    const gone = storm.cookies.flatMap((cookie, i) => (kept.has(cookie) ? [] : [i]))
    inProgress += interrupted.length
    lost += Math.min(gone.length, interrupted.length)
    elsewhere += Math.max(0, gone.length - interrupted.length)
    broken += outcomes.filter((outcome) => outcome.killed && outcome.status !== 200).length
    await inParallel(4, gone.length, (i) => storm.signIn(gone[i] as number))
  }
  print('processes killed during a refresh', kills)
  print('refreshes in progress in them', inProgress)
  print('sessions lost among these', lost)
  print('sessions lost among all others', elsewhere)
  print('requests broken off in killed processes', broken)
}

/** Kills the first process that sends a refresh token, up to 0.1 s later. */
async function killSoon(cluster: Cluster): Promise<number> {
  const victim = await cluster.refreshing()
  await wait(Math.random() * 100)
  await cluster.kill(victim)
  return victim
}

/**
 * Runs one round without a shared `AuthStore`: the processes then do not know of each other's refreshes. Grants that the
 * provider ended show at the next expiry.
 */
async function measureUnshared(storm: Storm, { sessions, requests }: Size): Promise<void> {
  await storm.expire()
  await ask(storm, sessions, requests)
  const { refreshes, refused, revokedGrants } = storm.counted
  console.log('  without a shared AuthStore, one round:')
  print('token requests', refreshes + refused)
  print('of them refused', refused)
  print('grants ended by the provider', revokedGrants)
  await storm.expire()
  await ask(storm, sessions, 1)
  print('sessions lost by the next expiry', sessions - (await storm.signedIn()).length)
}

async function ask(storm: Storm, sessions: number, requests: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  await inParallel(WIDTH, sessions, async (i) => {
    const askOnce = async () => void outcomes.push(await storm.cluster.send('/token', storm.cookies[i] as string))
    await Promise.all(Array.from({ length: requests }, askOnce))
  })
  return outcomes
}

/** How long each refresh was at risk. In milliseconds. */
function gapsOf(refreshes: readonly Refresh[]): number[] {
  return refreshes.flatMap(({ sentAt, storedAt }) => (storedAt === undefined ? [] : [storedAt - sentAt]))
}

function quantiles(times: readonly number[]): string {
  return `p50 ${quantile(times, 0.5).toFixed(0)} ms, p99 ${quantile(times, 0.99).toFixed(0)} ms`
}

function quantile(times: readonly number[], q: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

function print(what: string, value: number | string): void {
  console.log(`  ${what.padEnd(44)} ${value}`)
}
