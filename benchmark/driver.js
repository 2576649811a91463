// Starts the processes and acts as the browsers.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'

/** Starts a script of this folder. Returns its process and its first message. */
export async function start(script, args = [], execArgv = []) {
  const child = fork(new URL(script, import.meta.url), args, { execArgv })
  const first = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (typeof first[0] !== 'object') throw new Error(`${script} ${args.join(' ')} did not start`)
  return { ...first[0], child }
}

/** Returns the CPU time that a process has used. In milliseconds. */
export async function cpuTime({ child }) {
  child.send('cpu')
  const [{ cpu }] = await once(child, 'message')
  return (cpu.user + cpu.system) / 1000
}

/** Signs a new browser in. Returns its session cookie. */
export async function login({ baseUrl }) {
  const begun = await get(`${baseUrl}/login`)
  const asked = new URL(begun.location).searchParams
  const code = { nonce: asked.get('nonce'), challenge: asked.get('code_challenge') }
  const response = new URLSearchParams({
    code: Buffer.from(JSON.stringify(code)).toString('base64url'),
    state: asked.get('state'),
  })
  const done = await get(`${baseUrl}/callback?${response}`, begun.cookie)
  if (done.status < 300 || done.status > 399 || !done.cookie) throw new Error(`the login failed: ${done.body}`)
  return done.cookie
}

/** Reads a page as a signed-in user. */
export async function readProfile({ baseUrl }, cookie) {
  const { status, body } = await get(`${baseUrl}/profile`, cookie)
  if (status !== 200 || body !== '{"name":"Ada Lovelace"}') throw new Error(`the profile was refused: ${status}`)
}

const agent = new Agent({ keepAlive: true })

function get(url, cookie) {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', ...(cookie ? { cookie } : {}) }
    const req = request(url, { agent, headers }, (res) => {
      let body = ''
      res.setEncoding('utf8').on('data', (chunk) => {
        body += chunk
      })
      res.on('end', () => {
        const set = (res.headers['set-cookie'] ?? []).filter((line) => !line.includes('Expires=Thu, 01 Jan 1970'))
        resolve({
          status: res.statusCode,
          location: res.headers.location,
          cookie: set.map((line) => line.split(';', 1)[0]).join('; '),
          body,
        })
      })
    })
    req.on('error', reject)
    req.end()
  })
}
