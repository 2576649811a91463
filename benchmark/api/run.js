/** Measures the cost of protecting a route. `npm run benchmark:api` prints the table of `docs/benchmark-api.md`. */
import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { AUDIENCE, createKey, serveIssuers, signToken, signTokens } from './issuers.js'
import { compare, median, startApplication } from './load.js'

const QUICK = process.argv.includes('--quick')
const ROUNDS = QUICK ? 3 : 15
const REQUESTS = QUICK ? 200 : 500
const WARM_UPS = QUICK ? 2 : 4
const ISSUERS = QUICK ? 100 : 1000

const rows = []

/** Adds a row: the ratio of `name` to `base`, and its target `limit`. */
function add(what, contest, [name, base, limit]) {
  const ratio = contest.ratio(name, base)
  rows.push({
    what,
    cpu: `${contest.cpu(name).toFixed(0)} µs, ${contest.cpu(base).toFixed(0)} µs`,
    rate: `${contest.rate(name).toFixed(0)}/s, ${contest.rate(base).toFixed(0)}/s`,
    ratio: `${ratio.toFixed(2)} ×`,
    limit: limit === undefined ? '' : `${limit} ×`,
    met: limit === undefined ? '' : ratio <= limit ? 'yes' : 'no',
  })
  console.error(`${what}: ${ratio.toFixed(2)}`)
}

const repeat = (token, count = REQUESTS) => Array.from({ length: count }, () => token)

async function withApplications(kinds, settings, act) {
  const started = await Promise.all(
    kinds.map(async (kind) => [kind, await startApplication({ kind, audience: AUDIENCE, ...settings })]),
  )
  try {
    return await act(Object.fromEntries(started))
  } finally {
    for (const [, application] of started) application.stop()
  }
}

async function goodTokens(alg) {
  const key = await createKey(alg)
  const { issuer, close } = await serveIssuers([key])
  const settings = { issuer, jwk: key.jwk, alg }
  await withApplications(['bare', 'ours', 'jose', 'peer'], settings, async (apps) => {
    const contestOf = (makeTokens) =>
      compare(
        Object.fromEntries(
          Object.entries(apps).map(([kind, app]) => [kind, async () => app.run(await makeTokens(), 200)]),
        ),
        { rounds: ROUNDS, warmUps: WARM_UPS },
      )
    if (alg === 'RS256') {
      const token = await signToken(issuer, key)
      const contest = await contestOf(() => repeat(token))
      add('one token again and again: to the bare application', contest, ['ours', 'bare', 1.15])
      add('… to express-oauth2-jwt-bearer', contest, ['ours', 'peer', 0.75])
      add('… to jose by hand', contest, ['ours', 'jose'])
    }
    const contest = await contestOf(() => signTokens(REQUESTS, () => signToken(issuer, key)))
    add(`unique tokens, ${alg}: to jose by hand with a local key`, contest, ['ours', 'jose', 0.95])
    add('… to express-oauth2-jwt-bearer', contest, ['ours', 'peer'])
  })
  close()
}

async function badTokens() {
  const key = await createKey('RS256')
  const { issuer, close } = await serveIssuers([key])
  const good = await signToken(issuer, key)
  const bad = {
    'expired tokens': () => signToken(issuer, key, { exp: 1_700_000_000 }),
    'unknown kid': (index) => signToken(issuer, key, {}, { kid: `unknown-${index}` }),
    garbage: (index) => `garbage-${index}-${'x'.repeat(600)}`,
    'bad signatures': (index) => `${good.slice(0, -8)}AAAA${String(index).padStart(3, 'A').slice(0, 3)}A`,
  }
  const limits = { 'expired tokens': 1.25, 'unknown kid': 1.25, garbage: 1.5, 'bad signatures': 1.7 }
  await withApplications(['deny', 'ours', 'peer'], { issuer, jwk: key.jwk, alg: 'RS256' }, async (apps) => {
    await apps.ours.run([good], 200)
    for (const [what, make] of Object.entries(bad)) {
      const tokens = await signTokens(REQUESTS, make)
      const contest = await compare(
        Object.fromEntries(Object.entries(apps).map(([kind, app]) => [kind, () => app.run(tokens, 401)])),
        { rounds: ROUNDS, warmUps: WARM_UPS },
      )
      add(`${what}: to a bare 401`, contest, ['ours', 'deny', limits[what]])
      add('… to express-oauth2-jwt-bearer', contest, ['ours', 'peer'])
    }
  })
  close()
}

async function manyIssuers() {
  const keys = await signTokens(ISSUERS, (index) => createKey('ES256', `key-${index}`))
  const { issuer, close } = await serveIssuers(keys)
  const names = keys.map((_, index) => `${issuer}/${index}`)
  const one = await startApplication({ kind: 'ours', audience: AUDIENCE, issuers: names.slice(0, 1) })
  const all = await startApplication({ kind: 'ours', audience: AUDIENCE, issuers: names })
  const ofOne = () => signTokens(REQUESTS, () => signToken(names[0], keys[0]))
  const ofAll = () => signTokens(REQUESTS, (index) => signToken(names[index % ISSUERS], keys[index % ISSUERS]))
  await one.run(await ofOne(), 200)
  await all.run(await signTokens(ISSUERS, (index) => signToken(names[index], keys[index])), 200)
  const settings = { rounds: ROUNDS, warmUps: WARM_UPS }
  const contest = await compare(
    { all: async () => all.run(await ofAll(), 200), one: async () => one.run(await ofOne(), 200) },
    settings,
  )
  add(`unique tokens of ${ISSUERS} issuers: to one issuer`, contest, ['all', 'one', 1.15])
  one.stop()
  all.stop()
  await heapPerIssuer(names, keys)
  close()
}

/** Measures what an issuer adds to the heap. The cache of verified tokens is off, so it is not counted. */
async function heapPerIssuer(names, keys) {
  const app = await startApplication({ kind: 'ours', audience: AUDIENCE, issuers: names, ttl: 0 })
  const half = names.length / 2
  const warm = (from, to) => signTokens(to - from, (index) => signToken(names[from + index], keys[from + index]))
  await app.run(await warm(0, half), 200)
  const before = await app.heap()
  await app.run(await warm(half, names.length), 200)
  const bytes = ((await app.heap()) - before) / (names.length - half)
  app.stop()
  rows.push({
    what: 'heap per issuer, its metadata and keys in hand',
    cpu: '',
    rate: '',
    ratio: `${(bytes / 1024).toFixed(1)} KB`,
    limit: '3 KB',
    met: bytes <= 3 * 1024 ? 'yes' : 'no',
  })
}

function importTime() {
  const program = (specifier) =>
    `await import('express'); const t = performance.now(); await import(${JSON.stringify(specifier)}); console.log(performance.now() - t)`
  const measure = (specifier) =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', program(specifier)], { encoding: 'utf8' }))
  const own = new URL('../../dist/resource-server.js', import.meta.url).href
  const times = Array.from({ length: ROUNDS }, () => measure(own))
  const time = median(times)
  rows.push({
    what: 'import of `express-relying-party/resource-server` after express',
    cpu: '',
    rate: '',
    ratio: `${time.toFixed(0)} ms`,
    limit: '30 ms',
    met: time <= 30 ? 'yes' : 'no',
  })
}

await goodTokens('RS256')
await goodTokens('ES256')
await badTokens()
await manyIssuers()
importTime()

console.log(`Node ${process.version}, ${cpus()[0]?.model.trim()}, ${ROUNDS} rounds of ${REQUESTS} requests each.\n`)
console.log('| What | CPU per request | Requests | Ratio of CPU | Target | Met |\n|---|---|---|---|---|---|')
for (const { what, cpu, rate, ratio, limit, met } of rows) {
  console.log(`| ${what} | ${cpu} | ${rate} | ${ratio} | ${limit} | ${met} |`)
}
