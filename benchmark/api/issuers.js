import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export const AUDIENCE = 'https://api.example.com'

/** Generates a signing key. */
export async function createKey(alg, kid = alg) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** Serves keys of issuers: those of the first at `/jwks`, those of the others at `/<n>/jwks`, with their metadata. */
export async function serveIssuers(keys) {
  const server = createServer((req, res) => {
    const [, name, document = name] = /^\/(?:(\w+)\/)?(.+)$/.exec(req.url) ?? []
    const key = keys[name] ?? keys[0]
    const issuer = keys[name] ? `${base()}/${name}` : base()
    const body = document === 'jwks' ? { keys: [key.jwk] } : { issuer, jwks_uri: `${issuer}/jwks` }
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  const base = () => `http://127.0.0.1:${server.address().port}`
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { issuer: base(), close: () => server.close() }
}

let serial = 0

/** Signs an access token of typical size. Each is unique. */
export function signToken(issuer, key, claims = {}, header = {}) {
  const now = Math.floor(Date.now() / 1000)
  const payload = {
    iss: issuer,
    aud: AUDIENCE,
    sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
    client_id: 's6BhdRkqt3',
    scope: 'openid profile reports:read reports:write',
    iat: now,
    exp: now + 3600,
    jti: `token-${++serial}`,
    ...claims,
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
    .sign(key.privateKey)
}

/** Signs several access tokens. */
export function signTokens(count, sign) {
  return Promise.all(Array.from({ length: count }, (_, index) => sign(index)))
}
