import { KeyObject, sign } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { defined } from '../../../src/lib/defined.js'
import { listen, type Running } from '../bed/app.js'

/** The name of the API in tests. */
export const AUDIENCE = 'https://api.example.com'

/** A key of a {@link TestIssuer}. */
export interface TestKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  /** The public key as in the key set. */
  readonly jwk: JWK
}

/** An authorization server that publishes metadata and keys, signs what a test needs, and records requests. */
export interface TestIssuer extends Running {
  readonly issuer: string
  /** The key set. Tests may change it. */
  readonly jwks: { keys: JWK[] }
  /** The metadata. Tests may change it. */
  readonly metadata: Record<string, unknown>
  readonly key: TestKey
  /** The requested paths, in order. */
  readonly requests: string[]
  /** While set, every request is answered with this status. */
  down: number | undefined
  /** Answers requests to other paths. */
  handler: ((req: IncomingMessage, res: ServerResponse) => void) | undefined
  addKey(alg?: string, kid?: string): Promise<TestKey>
  /** Signs an access token of a user for the API. `undefined` removes a claim or header parameter. */
  token(claims?: JWTPayload, header?: Record<string, unknown>, key?: TestKey): Promise<string>
}

/** Generates a signing key. */
export async function createKey(alg = 'ES256', kid = `${alg}-${Math.random()}`): Promise<TestKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** Signs an access token. */
export async function signToken(
  issuer: string,
  key: Pick<TestKey, 'alg' | 'kid'> & { privateKey: CryptoKey | Uint8Array },
  claims: JWTPayload = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const payload = {
    iss: issuer,
    aud: AUDIENCE,
    sub: 'ada',
    client_id: 'app',
    scope: 'reports:read reports:write',
    iat: now,
    exp: now + 600,
    ...claims,
  }
  return new SignJWT(defined(payload))
    .setProtectedHeader(defined({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }) as { alg: string })
    .sign(key.privateKey)
}

/** Signs any header and payload with RS256 or ES256, also invalid ones. The payload may be unencoded (RFC 7797). */
export function signRaw(
  { privateKey }: Pick<TestKey, 'privateKey'>,
  header: object,
  payload: object | string,
  { unencoded = false } = {},
): string {
  const key = { key: KeyObject.from(privateKey), dsaEncoding: 'ieee-p1363' as const }
  const first = Buffer.from(JSON.stringify(header)).toString('base64url')
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const input = `${first}.${unencoded ? text : Buffer.from(text).toString('base64url')}`
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
}

/** Starts a {@link TestIssuer} with one key. */
export async function startIssuer(alg = 'ES256'): Promise<TestIssuer> {
  const running = await listen()
  const issuer = running.url
  const key = await createKey(alg)
  const test: TestIssuer = {
    ...running,
    issuer,
    key,
    jwks: { keys: [key.jwk] },
    metadata: { issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` },
    requests: [],
    down: undefined,
    handler: undefined,
    async addKey(alg, kid) {
      const added = await createKey(alg, kid)
      test.jwks.keys.push(added.jwk)
      return added
    },
    token: (claims, header, by = key) => signToken(issuer, by, claims, header),
  }
  running.server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    test.requests.push(req.url ?? '')
    if (test.down !== undefined) return void res.writeHead(test.down).end()
    if (req.url === '/.well-known/openid-configuration') return json(res, test.metadata)
    if (req.url === '/jwks') return json(res, test.jwks)
    if (test.handler) return test.handler(req, res)
    res.writeHead(404).end()
  })
  return test
}

/** Answers with JSON. */
export function json(res: ServerResponse, body: unknown): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
