// Measures CPU time per login and per signed-in request: this package, and the same application written by hand on
// openid-client and express-session. They take turns, so that load on the machine affects all equally; each round yields
// a ratio, and the result is their median.
//
// PROFILE_DIR=/some/folder npm run benchmark    writes a CPU profile of each application there
import { parseArgs } from 'node:util'
import { cpuTime, login, readProfile, start } from './driver.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    logins: { type: 'string', default: '60' },
    requests: { type: 'string', default: '400' },
  },
})
const rounds = Number(values.rounds)
const logins = Number(values.logins)
const requests = Number(values.requests)

/** How many requests are in progress at once. */
const LANES = 4
/** Rounds to warm up, which do not count: code is compiled in them. */
const WARM_UP = 4
const BY_HAND = 'by hand, global fetch'
const VARIANTS = [
  [BY_HAND, 'hand', 'fetch'],
  ['by hand, undici request', 'hand', 'undici'],
  ['by hand, node:http', 'hand', 'node:http'],
  ['express-relying-party', 'package', 'node:http'],
  ['no OAuth, node:http', 'bare', 'node:http'],
]

const provider = await start('./provider.js')
const apps = new Map()
for (const [name, kind, transport] of VARIANTS) {
  const profile = process.env.PROFILE_DIR
  const execArgv = profile
    ? ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${kind}-${transport.replace(':', '-')}.cpuprofile`]
    : []
  apps.set(name, await start('./apps.js', [kind, transport, provider.issuer], execArgv))
}

const loginTimes = await measure([...apps], logins, () => login)
report('CPU per login', loginTimes)

const readers = [...apps].filter(([name]) => name === BY_HAND || name === 'express-relying-party')
const cookies = new Map()
for (const [name, app] of readers) cookies.set(name, await login(app))
const requestTimes = await measure(readers, requests, (name) => (app) => readProfile(app, cookies.get(name)))
report('CPU per signed-in request', requestTimes)

for (const { child } of [provider, ...apps.values()]) child.disconnect()

/** Runs each application `count` times per round, in turns. Returns CPU milliseconds per run for each round. */
async function measure(entries, count, actionFor) {
  const times = new Map(entries.map(([name]) => [name, []]))
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const [name, app] of round % 2 ? entries : entries.toReversed()) {
      const before = await cpuTime(app)
      await repeat(count, () => actionFor(name)(app))
      const used = (await cpuTime(app)) - before
      if (round >= 0) times.get(name).push(used / count)
    }
  }
  return times
}

async function repeat(count, act) {
  let left = count
  const lane = async () => {
    while (left-- > 0) await act()
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

function report(title, times) {
  const base = times.get(BY_HAND)
  console.log(`\n${title} (median of ${rounds} rounds)`)
  for (const [name, all] of times) {
    const ratios = all.map((time, round) => time / base[round])
    console.log(`  ${name.padEnd(26)} ${median(all).toFixed(3)} ms   ${median(ratios).toFixed(2)} ×`)
  }
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
