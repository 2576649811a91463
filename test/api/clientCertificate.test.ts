/** RFC 8705 at a resource server. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ResourceServerOptions } from '../../src/index.js'
import { createApi } from '../support/api/api.js'
import { startIssuer, type TestIssuer } from '../support/provider/issuer.js'

/** Reads a certificate with its private key. */
function read(name: string): string {
  return readFileSync(new URL(`../support/api/tls/${name}.pem`, import.meta.url), 'utf8')
}

const CLIENT = read('client')
const certificate = new X509Certificate(CLIENT)
const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')

let issuer: TestIssuer
/** A token bound to the client's certificate, and one bound to nothing. */
let bound: string
let unbound: string

beforeAll(async () => {
  issuer = await startIssuer()
  bound = await issuer.token({ cnf: { 'x5t#S256': thumbprint } })
  unbound = await issuer.token()
})
afterAll(() => issuer.close())

describe('a token bound to a client certificate (RFC 8705 §3), over TLS', () => {
  let server: Server

  beforeAll(async () => {
    const identity = read('server')
    const { app } = createApi(issuer.issuer)
    // Self-signed certificates are let in: what they are worth is the thumbprint's to say.
    const options = { key: identity, cert: identity, requestCert: true, rejectUnauthorized: false }
    server = createServer(options, app).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(async () => {
    server.close()
    await once(server, 'close')
  })

  /** Makes the connections of a client; whether it trusts the server is not the matter here. */
  function connections(identity?: string): Agent {
    const agent = new Agent({ rejectUnauthorized: false, ...(identity ? { key: identity, cert: identity } : {}) })
    onTestFinished(() => agent.destroy())
    return agent
  }

  /** Sends a token over a connection of its own. */
  async function send(agent: Agent, token: string): Promise<{ status: number | undefined; resumed: boolean }> {
    const { port } = server.address() as AddressInfo
    const headers = { authorization: `Bearer ${token}` }
    return new Promise((resolve, reject) => {
      const req = request({ host: '127.0.0.1', port, agent, headers }, (res) => {
        const { socket } = res
        const resumed = socket instanceof TLSSocket && socket.isSessionReused()
        res.resume().on('end', () => resolve({ status: res.statusCode, resumed }))
      })
      req.on('error', reject).end()
    })
  }

  it('is accepted with that certificate, and when the client resumes the TLS session', async () => {
    const client = connections(CLIENT)
    expect(await send(client, bound)).toEqual({ status: 200, resumed: false })
    expect(await send(client, bound)).toEqual({ status: 200, resumed: true })
  })

  it.each([
    ['without a certificate', undefined],
    ['with the certificate of another client', read('other-client')],
  ])('is refused %s, where one that is not bound is accepted', async (_what, identity) => {
    const client = connections(identity)
    expect(await send(client, bound)).toMatchObject({ status: 401 })
    expect(await send(client, unbound)).toMatchObject({ status: 200 })
  })
})

describe('a token bound to a client certificate (RFC 8705 §3), behind a proxy that terminates TLS', () => {
  it.each<[string, ResourceServerOptions['clientCertificate'], number]>([
    ['with that certificate', () => certificate, 200],
    ['with that certificate in PEM', () => certificate.toString(), 200],
    ['with that certificate in DER', () => certificate.raw, 200],
    ['with another certificate', () => new X509Certificate(read('other-client')), 401],
    ['without one', () => undefined, 401],
    ['with text that is no certificate', () => 'certificate', 401],
    ['without clientCertificate', undefined, 401],
  ])('is answered as expected %s', async (_what, clientCertificate, status) => {
    const api = createApi(issuer.issuer, clientCertificate ? { clientCertificate } : {})
    await api.get('/', bound).expect(status)
    await api.get('/', unbound).expect(200)
  })
})
