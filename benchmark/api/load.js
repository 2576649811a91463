import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'

const CONNECTIONS = 8

/** Starts an application under test. */
export async function startApplication(settings) {
  const child = fork(fileURLToPath(new URL('server.js', import.meta.url)), [JSON.stringify(settings)], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const [{ port }] = await once(child, 'message')
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

  async function ask(what) {
    child.send(what)
    const [answer] = await once(child, 'message')
    return answer
  }

  return {
    heap: async () => (await ask('heap')).heap,
    /** Sends a request for each token. Returns CPU time per request in microseconds, and requests per second. */
    async run(tokens, expected) {
      const before = await ask('cpu')
      const started = performance.now()
      await sendAll(port, agent, tokens, expected)
      const seconds = (performance.now() - started) / 1000
      const { cpu } = await ask('cpu')
      return { cpu: (cpu - before.cpu) / tokens.length, rate: tokens.length / seconds }
    },
    stop() {
      agent.destroy()
      child.disconnect()
    },
  }
}

async function sendAll(port, agent, tokens, expected) {
  let next = 0
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < tokens.length) {
        const token = tokens[next++]
        const status = await send(port, agent, token)
        if (status !== expected) throw new Error(`expected ${expected}, got ${status}`)
      }
    }),
  )
}

function send(port, agent, token) {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    request({ host: '127.0.0.1', port, agent, headers }, (res) => {
      res.resume()
      res.on('end', () => resolve(res.statusCode))
    })
      .on('error', reject)
      .end()
  })
}

/** Runs contenders in turn, round by round. Returns the median ratio of each to each other. */
export async function compare(contenders, { rounds, warmUps }) {
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
  const names = Object.keys(contenders)
  for (let round = -warmUps; round < rounds; round++) {
    // Each goes first equally often.
    const turn = ((round % names.length) + names.length) % names.length
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const result = await contenders[name]()
      if (round >= 0) results[name].push(result)
    }
  }
  return {
    cpu: (name) => median(results[name].map(({ cpu }) => cpu)),
    rate: (name) => median(results[name].map(({ rate }) => rate)),
    ratio: (name, base) => median(results[name].map(({ cpu }, round) => cpu / results[base][round].cpu)),
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
