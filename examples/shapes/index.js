// @ts-check
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import express from 'express'
import { exportJWK, jwtVerify, SignJWT } from 'jose'
import { html } from '../shared/html.js'
import { sendPage, sendPost } from './pages.js'
import { shapes, users } from './shapes.js'

/** @typedef {keyof typeof shapes} ShapeName */

/**
 * What the server remembers of an approved request until its code is used.
 *
 * @typedef {object} Grant
 * @property {string} shape
 * @property {import('./shapes.js').User} user
 * @property {string} redirectUri
 * @property {string} scope
 * @property {string | undefined} nonce
 * @property {string | undefined} challenge
 */

/** How many codes and access tokens are remembered. */
const LIMIT = 1000

/**
 * Starts a server that behaves like several providers, each under a path of its own. It signs anyone in as anyone, so it
 * listens on a loopback address only.
 *
 * @param {{ host?: string }} [options]
 */
export async function startShapes({ host = '127.0.0.1' } = {}) {
  const app = express().disable('x-powered-by')
  const server = createServer(app).listen(0, host)
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const url = `http://${host}:${port}`

  const clientId = 'app'
  const clientSecret = randomBytes(16).toString('hex')
  const signing = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const appleKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...(await exportJWK(signing.publicKey)), kid: 'key', alg: 'RS256', use: 'sig' }
  /** @type {Map<string, Grant>} */
  const codes = new Map()
  /** @type {Map<string, Grant>} */
  const tokens = new Map()
  /** Users whom Apple's shape has sent the name of. */
  const introduced = new Set()

  app.use(express.urlencoded({ extended: false, limit: '16kb' }))
  for (const [name, shape] of Object.entries(shapes)) {
    const base = `${url}/${name}`
    app.get(`/${name}${shape.authorize}`, (req, res) => choose(name, req, res))
    app.post(`/${name}${shape.authorize}`, (req, res) => decide(name, shape, req, res))
    app.post(`/${name}${shape.token}`, async (req, res) => {
      const grant = codes.get(String(req.body.code))
      codes.delete(String(req.body.code))
      const isClient = await isAuthentic(name, shape, base, req)
      if (!isClient || !grant || !fits(name, grant, req.body)) return refuse(shape, isClient, res)
      const accessToken = remember(tokens, grant)
      const response = {
        access_token: accessToken,
        token_type: 'Bearer',
        scope: grant.scope.replaceAll(' ', shape.scopeSeparator),
        ...(shape.idToken ? { expires_in: 3600, id_token: await sign(base, shape, grant) } : {}),
      }
      res.json(shape.tokens?.(response) ?? response)
    })
    if (shape.metadata) {
      const { path, ...metadata } = shape.metadata(base)
      app.get(`/${name}${path}`, (_req, res) => void res.json({ ...endpoints(base, shape), ...metadata }))
      app.get(`/${name}/keys`, (_req, res) => void res.json({ keys: [jwk] }))
    }
    for (const [path, answer] of Object.entries(shape.api ?? {})) {
      app.get(`/${name}${path}`, (req, res) => {
        const grant = tokens.get(String(req.get('Authorization')).replace(/^(Bearer|token) /i, ''))
        if (grant?.shape !== name) return res.status(401).json({ message: 'Bad credentials' })
        res.json(answer(grant.user))
      })
    }
  }

  return {
    url,
    /** The registration of the application, the same everywhere. */
    client: { clientId, clientSecret },
    /** The private key to make client secrets for Apple's shape with, in PEM. */
    appleKey: appleKey.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    /**
     * Returns the options that lead the preset of that name here.
     *
     * @param {string} name
     */
    options(name) {
      const base = `${url}/${name}`
      const shape = shapes[/** @type {ShapeName} */ (name)]
      if (name === 'github') return { clientId, clientSecret, baseUrl: base }
      if (name === 'microsoft') return { clientId, clientSecret, authority: base, tenant: 'common' }
      if (shape.metadata) return { clientId, clientSecret, issuer: base }
      const endpoints = { authorizationEndpoint: base + shape.authorize, tokenEndpoint: base + shape.token }
      return { clientId, clientSecret, issuer: base, ...endpoints, userInfoEndpoint: `${base}/me` }
    },
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }

  /**
   * Asks who signs in.
   *
   * @param {string} name
   * @param {express.Request} req
   * @param {express.Response} res
   */
  function choose(name, req, res) {
    const { client_id: client, redirect_uri: redirectUri } = req.query
    if (client !== clientId || typeof redirectUri !== 'string' || !isLoopback(redirectUri)) {
      return sendPage(res.status(400), 'Unknown application', html`<p>Nobody asked for this sign-in.</p>`)
    }
    const buttons = users.map((user) => html`<button name="user" value="${user.id}">${user.name}</button>`)
    const body = html`<form method="post">${buttons}<button name="user" value="">Cancel</button></form>`
    sendPage(res, `Sign in with ${name}`, body, redirectUri)
  }

  /**
   * Sends the user back, signed in or not.
   *
   * @param {string} name
   * @param {import('./shapes.js').Shape} shape
   * @param {express.Request} req
   * @param {express.Response} res
   */
  function decide(name, shape, req, res) {
    const text = (/** @type {string} */ key) => (typeof req.query[key] === 'string' ? req.query[key] : undefined)
    const redirectUri = text('redirect_uri') ?? ''
    if (text('client_id') !== clientId || !isLoopback(redirectUri)) return void res.sendStatus(400)
    const isAllowed = shape.pkce !== 'refused' || text('code_challenge') === undefined
    const user = isAllowed ? users.find(({ id }) => id === req.body.user) : undefined
    /** @type {Record<string, string>} */
    const response = { state: text('state') ?? '', ...(shape.iss ? { iss: `${url}/${name}` } : {}) }
    if (user) {
      const { nonce, scope = '', code_challenge: challenge } = /** @type {Record<string, string>} */ (req.query)
      response.code = remember(codes, { shape: name, user, redirectUri, scope, nonce, challenge })
      if (shape.introduction && !introduced.has(user.id)) {
        response.user = JSON.stringify(shape.introduction(user))
        introduced.add(user.id)
      }
    } else {
      response.error = shape.cancelled ?? 'access_denied'
    }
    if (text('response_mode') === 'form_post') return sendPost(res, redirectUri, response)
    const location = new URL(redirectUri)
    for (const [key, value] of Object.entries(response)) location.searchParams.set(key, value)
    res.redirect(303, location.href)
  }

  /**
   * Checks the client secret, where the provider expects it. Apple's is a JWT.
   *
   * @param {string} name
   * @param {import('./shapes.js').Shape} shape
   * @param {string} base
   * @param {express.Request} req
   */
  async function isAuthentic(name, { clientAuth }, base, req) {
    const { client_id: id, client_secret: secret } = /** @type {Record<string, unknown>} */ (req.body)
    if (clientAuth === 'basic') {
      const expected = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
      return req.get('Authorization') === `Basic ${expected}` && secret === undefined
    }
    if (name !== 'apple') return id === clientId && secret === clientSecret
    const expected = { subject: clientId, audience: base, algorithms: ['ES256'] }
    return jwtVerify(String(secret), appleKey.publicKey, expected).then(
      () => true,
      () => false,
    )
  }

  /**
   * @param {string} base
   * @param {import('./shapes.js').Shape} shape
   * @param {Grant} grant
   */
  function sign(base, shape, { user, nonce }) {
    const answered = nonce === undefined || shape.nonce === false ? {} : { nonce }
    const isSymmetric = shape.alg === 'HS256'
    return new SignJWT({ iss: base, ...shape.idToken?.(user, base), ...answered })
      .setProtectedHeader(isSymmetric ? { alg: 'HS256' } : { alg: 'RS256', kid: jwk.kid })
      .setAudience(clientId)
      .setIssuedAt()
      .setExpirationTime('10 minutes')
      .sign(isSymmetric ? new TextEncoder().encode(clientSecret) : signing.privateKey)
  }
}

/**
 * @param {string} base
 * @param {import('./shapes.js').Shape} shape
 */
function endpoints(base, shape) {
  return {
    issuer: base,
    authorization_endpoint: base + shape.authorize,
    token_endpoint: base + shape.token,
    jwks_uri: `${base}/keys`,
    ...(shape.api?.['/userinfo'] ? { userinfo_endpoint: `${base}/userinfo` } : {}),
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: [shape.alg ?? 'RS256'],
    token_endpoint_auth_methods_supported: [`client_secret_${shape.clientAuth ?? 'post'}`],
    ...(shape.iss ? { authorization_response_iss_parameter_supported: true } : {}),
    code_challenge_methods_supported: ['S256'],
  }
}

/**
 * Checks that a code is used where and by whom it was requested.
 *
 * @param {string} name
 * @param {Grant} grant
 * @param {Record<string, unknown>} body
 */
function fits(name, { shape, redirectUri, challenge }, body) {
  const proof = createHash('sha256').update(String(body.code_verifier)).digest('base64url')
  return shape === name && body.redirect_uri === redirectUri && (challenge === undefined || proof === challenge)
}

/**
 * GitHub answers errors with status 200.
 *
 * @param {import('./shapes.js').Shape} shape
 * @param {boolean} isClient
 * @param {express.Response} res
 */
function refuse({ errors, tokens }, isClient, res) {
  const [status, code, client] = errors ?? [400, 'invalid_grant', 'invalid_client']
  const response = { error: isClient ? code : client }
  res.status(status).json(tokens?.(response) ?? response)
}

/**
 * Stores a grant under a new random key, in place of the oldest if there are too many.
 *
 * @param {Map<string, Grant>} map
 * @param {Grant} grant
 */
function remember(map, grant) {
  const key = randomBytes(16).toString('base64url')
  map.set(key, grant)
  const [oldest] = map.keys()
  if (map.size > LIMIT && oldest !== undefined) map.delete(oldest)
  return key
}

/** @param {string} url */
function isLoopback(url) {
  return URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)
}
