import { createHash, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { ClientAuth } from '../../../src/index.js'
import { CLIENT_SECRET, listen } from '../bed/app.js'
import { createProviderKeys, keyFor, type ProviderKeys, publicKeys, signJws } from './providerKeys.js'
import {
  changed,
  decodeBasic,
  formEncode,
  formPost,
  type Json,
  json,
  type Reply,
  toParameters,
} from './providerReplies.js'
import type { Endpoint, JwtSpoil, Spoil } from './spoil.js'

/** The setup of a provider. Nothing here is wrong. */
export interface ProviderSettings {
  readonly clientId?: string
  readonly clientSecret?: string
  readonly clientAuth?: ClientAuth
  /** Whether it does not decode HTTP Basic credentials, against RFC 6749 §2.3.1. */
  readonly rawBasic?: boolean
  readonly idTokenAlg?: string
  /** Whether UserInfo is a JWT, signed like the ID token. */
  readonly signedUserInfo?: boolean
  readonly userClaims?: Json
  /** The path of the issuer. */
  readonly issuerPath?: string
}

/** A request as an endpoint received it. */
export interface Received {
  readonly endpoint: Endpoint
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly parameters: URLSearchParams
}

interface Grant {
  readonly scope: string
  readonly nonce: string | undefined
  readonly challenge: string
  readonly redirectUri: string
}

let processKeys: Promise<ProviderKeys> | undefined

/**
 * An OpenID Provider over HTTP that signs its one user in at once. It requires state, nonce, S256 and exactly one client
 * authentication method. Each part of its responses can be spoiled at any time.
 */
export class SpoiledProvider {
  readonly issuer: string
  /** Every request, oldest first. */
  readonly received: Received[] = []
  /** What must never leak: tokens, codes, secrets, and the values of each login. */
  readonly secrets = new Set<string>()
  spoil: Spoil = {}
  keys: ProviderKeys
  /** The paths of the endpoints, also in the metadata. */
  paths: Readonly<Record<Endpoint, string>>
  readonly close: () => Promise<void>
  #settings: Required<ProviderSettings>
  readonly #codes = new Map<string, Grant>()
  readonly #refreshTokens = new Map<string, Grant>()
  readonly #accessTokens = new Set<string>()

  private constructor(
    running: Awaited<ReturnType<typeof listen>>,
    keys: ProviderKeys,
    settings: Required<ProviderSettings>,
  ) {
    this.issuer = running.url + settings.issuerPath
    this.close = () => running.close()
    this.keys = keys
    this.#settings = settings
    this.secrets.add(settings.clientSecret)
    this.paths = {
      discovery: `${settings.issuerPath.replace(/\/$/, '')}/.well-known/openid-configuration`,
      jwks: '/jwks',
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      end_session: '/logout',
    }
  }

  static async start(settings: ProviderSettings = {}): Promise<SpoiledProvider> {
    processKeys ??= createProviderKeys()
    const running = await listen(undefined, 'localhost')
    const provider = new SpoiledProvider(running, await processKeys, {
      clientId: 'app',
      clientSecret: CLIENT_SECRET,
      clientAuth: 'client_secret_basic',
      rawBasic: false,
      idTokenAlg: 'RS256',
      signedUserInfo: false,
      userClaims: {},
      issuerPath: '',
      ...settings,
    })
    running.server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      provider.#serve(req).then(
        ({ status, headers, body }) => res.writeHead(status, headers).end(body),
        (error: unknown) => res.destroy(error as Error),
      )
    })
    return provider
  }

  /** The requests that an endpoint received. */
  requests(endpoint: Endpoint): Received[] {
    return this.received.filter((request) => request.endpoint === endpoint)
  }

  async #serve(req: IncomingMessage): Promise<Reply> {
    const { pathname, searchParams } = new URL(req.url ?? '/', this.issuer)
    const endpoint = (Object.keys(this.paths) as Endpoint[]).find((name) => this.paths[name] === pathname)
    if (!endpoint) return json({ error: 'not_found' }, 404)
    let body = ''
    for await (const chunk of req) body += String(chunk)
    const parameters = body ? new URLSearchParams(body) : searchParams
    this.received.push({ endpoint, path: pathname, headers: req.headers, parameters })
    const usual = await this.#answer(endpoint, parameters, req.headers)
    return { ...usual, ...this.spoil.reply?.[endpoint]?.(usual) }
  }

  async #answer(endpoint: Endpoint, parameters: URLSearchParams, headers: IncomingHttpHeaders): Promise<Reply> {
    switch (endpoint) {
      case 'discovery':
        return json(changed(this.#metadata(), this.spoil.metadata))
      case 'jwks':
        return json({ keys: this.spoil.jwks?.(this.keys) ?? publicKeys(this.keys) })
      case 'authorization':
        return this.#authorize(parameters)
      case 'token':
        return this.#token(parameters, headers.authorization)
      case 'userinfo':
        return this.#userInfo(headers.authorization)
      case 'end_session':
        return this.#endSession(parameters)
    }
  }

  #metadata(): Json {
    const url = (endpoint: Endpoint) => new URL(this.paths[endpoint], this.issuer).href
    return {
      issuer: this.issuer,
      authorization_endpoint: url('authorization'),
      token_endpoint: url('token'),
      userinfo_endpoint: url('userinfo'),
      end_session_endpoint: url('end_session'),
      jwks_uri: url('jwks'),
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'form_post'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'ES256', 'EdDSA', 'HS256', 'none'],
      token_endpoint_auth_methods_supported: [this.#settings.clientAuth],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    }
  }

  #authorize(asked: URLSearchParams): Reply {
    const parameter = (name: string) => asked.get(name) ?? ''
    const redirectUri = parameter('redirect_uri')
    const right =
      parameter('response_type') === 'code' &&
      parameter('client_id') === this.#settings.clientId &&
      parameter('code_challenge_method') === 'S256' &&
      ['state', 'nonce', 'code_challenge'].every((name) => parameter(name).length >= 43) &&
      [...asked.keys()].every((name) => asked.getAll(name).length === 1)
    if (!right) return json({ error: 'invalid_request' }, 400)
    const [scope, nonce, challenge] = ['scope', 'nonce', 'code_challenge'].map(parameter) as [string, string, string]
    const code = this.#secret()
    this.#codes.set(code, { scope, nonce, challenge, redirectUri })
    this.secrets.add(parameter('state')).add(nonce)
    const usual = { code, state: parameter('state'), iss: this.issuer }
    const response = toParameters(changed(usual, this.spoil.authorization))
    return parameter('response_mode') === 'form_post'
      ? formPost(redirectUri, response)
      : { status: 302, headers: { location: `${redirectUri}?${response}` }, body: '' }
  }

  async #token(parameters: URLSearchParams, authorization: string | undefined): Promise<Reply> {
    if (!this.#isClient(parameters, authorization)) return json({ error: 'invalid_client' }, 401)
    const grant = this.#grant(parameters)
    if (!grant) return json({ error: 'invalid_grant' }, 400)
    const [accessToken, refreshToken] = [this.#secret(), this.#secret()]
    this.#accessTokens.add(accessToken)
    this.#refreshTokens.set(refreshToken, { ...grant, nonce: undefined })
    const idToken = await this.#idToken(accessToken, grant.nonce)
    const usual = {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: refreshToken,
      scope: grant.scope,
      id_token: idToken,
    }
    return json(changed(usual, this.spoil.tokens))
  }

  /** Changes the client that it knows, as one provider has several. */
  set clientId(clientId: string) {
    this.#settings = { ...this.#settings, clientId }
  }

  #isClient(parameters: URLSearchParams, authorization: string | undefined): boolean {
    const { clientId, clientSecret, clientAuth, rawBasic } = this.#settings
    const inBody = parameters.get('client_secret')
    if (clientAuth === 'client_secret_basic') {
      const encode = rawBasic ? (text: string) => text : formEncode
      const expected = Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')
      return decodeBasic(authorization, rawBasic) === decodeBasic(`Basic ${expected}`, rawBasic) && inBody === null
    }
    const secretIsRight = clientAuth === 'none' ? inBody === null : inBody === clientSecret
    return authorization === undefined && parameters.get('client_id') === clientId && secretIsRight
  }

  /** Finds what a code or refresh token was issued for. A code is used once; a refresh token stays. */
  #grant(parameters: URLSearchParams): Grant | undefined {
    if (parameters.get('grant_type') === 'refresh_token') {
      return this.#refreshTokens.get(parameters.get('refresh_token') ?? '')
    }
    const code = parameters.get('code') ?? ''
    const grant = this.#codes.get(code)
    this.#codes.delete(code)
    const verifier = parameters.get('code_verifier') ?? ''
    this.secrets.add(verifier)
    const proven = createHash('sha256').update(verifier).digest('base64url') === grant?.challenge
    return proven && parameters.get('redirect_uri') === grant.redirectUri ? grant : undefined
  }

  async #idToken(accessToken: string, nonce: string | undefined): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const usual = {
      iss: this.issuer,
      sub: 'ada',
      aud: this.#settings.clientId,
      exp: now + 300,
      iat: now,
      ...(nonce === undefined ? {} : { nonce }),
      at_hash: leftHalf(this.#settings.idTokenAlg === 'EdDSA' ? 'sha512' : 'sha256', accessToken),
    }
    return this.#sign(changed(usual, this.spoil.claims), this.spoil)
  }

  async #sign(claims: Json, spoil: JwtSpoil): Promise<string> {
    const { idTokenAlg, clientSecret } = this.#settings
    const header = changed({ alg: idTokenAlg, typ: 'JWT' }, spoil.header)
    const { jwk, privateKey } = spoil.key?.(this.keys) ?? keyFor(this.keys, header.alg, clientSecret)
    const payload = JSON.stringify(claims)
    const jwt = await signJws(spoil.payload?.(payload) ?? payload, { kid: jwk.kid, ...header }, privateKey)
    const finished = spoil.jwt?.(jwt) ?? jwt
    this.secrets.add(finished)
    for (const part of finished.split('.').slice(1)) if (part) this.secrets.add(part)
    return finished
  }

  async #userInfo(authorization: string | undefined): Promise<Reply> {
    const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? ''
    if (!this.#accessTokens.has(token)) {
      return {
        ...json({ error: 'invalid_token' }, 401),
        headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
      }
    }
    const { signedUserInfo, clientId, userClaims } = this.#settings
    const signed = signedUserInfo ? { iss: this.issuer, aud: clientId } : {}
    const claims = changed({ ...signed, sub: 'ada', ...userClaims }, this.spoil.userInfo)
    if (!signedUserInfo) return json(claims)
    return {
      status: 200,
      headers: { 'content-type': 'application/jwt' },
      body: await this.#sign(claims, this.spoil.userInfoJwt ?? {}),
    }
  }

  #endSession(asked: URLSearchParams): Reply {
    const usual = { state: asked.get('state') ?? undefined }
    const returned = toParameters(changed(usual, this.spoil.loggedOut))
    const location = `${asked.get('post_logout_redirect_uri') ?? ''}?${returned}`
    return { status: 302, headers: { location }, body: '' }
  }

  #secret(): string {
    const secret = `${randomBytes(32).toString('base64url')}0`
    this.secrets.add(secret)
    return secret
  }
}

/** The left half of a hash (OpenID Connect Core §3.1.3.6). */
function leftHalf(hash: string, value: string): string {
  const digest = createHash(hash).update(value).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}
