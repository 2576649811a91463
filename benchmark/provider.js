// A minimal provider, in its own process so that its work is not counted.
import { createHash, createSign, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'

/** As long as a signed access token with a dozen claims. */
const accessToken = 'a'.repeat(700)

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const server = createServer(answer).listen(0, '127.0.0.1', () => {
  process.send({ issuer: issuer() })
})
process.on('disconnect', () => process.exit())

function issuer() {
  return `http://127.0.0.1:${server.address().port}`
}

function answer(req, res) {
  if (req.url === '/.well-known/openid-configuration') return json(res, metadata())
  if (req.url === '/jwks') {
    return json(res, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'RS256', use: 'sig' }] })
  }
  let body = ''
  req.on('data', (chunk) => {
    body += chunk
  })
  req.on('end', () => json(res, tokens(new URLSearchParams(body))))
}

function metadata() {
  return {
    issuer: issuer(),
    authorization_endpoint: `${issuer()}/authorize`,
    token_endpoint: `${issuer()}/token`,
    jwks_uri: `${issuer()}/jwks`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
}

/** The driver creates the codes: each contains the nonce and code_challenge of its login. */
function tokens(request) {
  const { nonce, challenge } = JSON.parse(Buffer.from(request.get('code'), 'base64url'))
  const verifier = request.get('code_verifier')
  if (createHash('sha256').update(verifier).digest('base64url') !== challenge) return { error: 'invalid_grant' }
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: 3600,
    refresh_token: 'a-refresh-token-of-forty-three-characters-xx',
    scope: 'openid profile email',
    id_token: idToken(nonce),
  }
}

function idToken(nonce) {
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    iss: issuer(),
    sub: '248289761001',
    aud: 'app',
    iat: now,
    exp: now + 3600,
    auth_time: now,
    nonce,
    name: 'Ada Lovelace',
    given_name: 'Ada',
    family_name: 'Lovelace',
    preferred_username: 'ada',
    email: 'ada@example.com',
    email_verified: true,
  }
  const text = [{ alg: 'RS256', kid: 'a' }, claims].map((part) => base64url(JSON.stringify(part))).join('.')
  return `${text}.${createSign('sha256').update(text).sign(privateKey, 'base64url')}`
}

function base64url(text) {
  return Buffer.from(text).toString('base64url')
}

function json(res, body) {
  res.writeHead(body.error ? 400 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
