// @ts-check
// Two processes of one application share sessions in Redis, and refresh and end them together.
import { fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { startProvider } from '../provider/index.js'
import { Browser } from './browser.js'

const redisUrl = process.env.REDIS_URL ?? (await startRedis())
const provider = await startProvider({
  autoSignIn: 'ada',
  issueRefreshToken: 'always',
  // Access tokens are refreshed in their last minute: here, two seconds after they were issued.
  ttl: { accessToken: 62 },
  features: { backchannelLogout: { enabled: true } },
})
const ports = [await freePort(), await freePort()]
const [one, two] = ports.map((port) => `http://127.0.0.1:${port}`)
const clientSecret = randomBytes(32).toString('base64url')
await provider.addClient({
  client_id: 'cluster',
  client_secret: clientSecret,
  redirect_uris: [`${one}/callback`],
  backchannel_logout_uri: `${two}/backchannel-logout`,
  backchannel_logout_session_required: true,
})

const secret = randomBytes(32).toString('base64url')
const shared = { baseUrl: one, issuer: provider.issuer, redisUrl, clientSecret, secret }
const servers = await Promise.all(ports.map((port, i) => startServer(`process ${i + 1}`, { ...shared, port })))

const browser = new Browser()
console.log('Ada signs in at process 1.')
await browser.visit(`${one}/login`)
console.log(`  ${await browser.visit(`${one}/`)}`)
console.log(`  ${await browser.visit(`${two}/`)}`)

console.log('Her access token is about to expire, and both processes ask for it ten times at once.')
await wait(2500)
const asked = Array.from({ length: 20 }, (_, i) => browser.visit(`${i % 2 ? one : two}/token`))
console.log(`  ${new Set(await Promise.all(asked)).size} new token for 20 requests`)

console.log('She logs out at the provider, which notifies process 2.')
await browser.logOutAt(provider.issuer)
console.log(`  ${await browser.visit(`${one}/`)}`)
console.log(`  ${await browser.visit(`${two}/`)}`)

for (const server of servers) server.kill()
await provider.close()
process.exit()

/**
 * @param {string} name
 * @param {object} settings
 */
async function startServer(name, settings) {
  const child = fork(new URL('server.js', import.meta.url), [name, JSON.stringify(settings)])
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} did not start`))),
  ])
  return child
}

/** Starts redis-server on a free port. It stops with this process. */
async function startRedis() {
  const port = await freePort()
  const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  redis.on('error', () => {
    console.error('This example needs Redis: install redis-server, or set REDIS_URL.')
    process.exit(1)
  })
  process.on('exit', () => redis.kill())
  for await (const line of redis.stdout) if (String(line).includes('Ready to accept connections')) break
  return `redis://127.0.0.1:${port}`
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  return port
}
