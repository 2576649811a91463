import fc from 'fast-check'
import { AUDIENCE, createApiWorld } from '../apiWorld.js'
import { type Envelope, envelope, replyOf } from '../envelope.js'
import { cookiesOf } from '../exchange.js'
import { PROVIDER_AT_FAULT, send, type Target } from '../harness.js'
import { begin, CLIENT_ID, createWorld, finish, ISSUER, signIn } from '../relyingPartyWorld.js'
import { encodeJson, type JsonChanges, jsonChanges } from '../spoilJson.js'
import { type JwtChanges, jwtChanges, signChanged } from '../spoilJwt.js'

interface TokenInput {
  readonly at: 'callback' | 'refresh'
  readonly response: JsonChanges
  readonly idToken: JwtChanges
  readonly error: boolean
  readonly envelope: Envelope
}

const MEMBERS = [
  'access_token',
  'token_type',
  'expires_in',
  'refresh_token',
  'scope',
  'id_token',
  'error',
  'error_description',
]
const CLAIMS = [
  'iss',
  'sub',
  'aud',
  'azp',
  'iat',
  'exp',
  'nbf',
  'nonce',
  'auth_time',
  'acr',
  'amr',
  'at_hash',
  'sid',
  'email',
]

/** The provider's token response, to a code and to a refresh token. */
export const tokenResponseTarget: Target<TokenInput> = {
  name: 'tokenResponse',
  accepted: 0.05,
  input: fc.record({
    at: fc.constantFrom('callback' as const, 'refresh' as const),
    response: jsonChanges(...MEMBERS),
    idToken: jwtChanges(...CLAIMS),
    error: fc.constantFrom(false, false, false, true),
    envelope,
  }),
  async prepare() {
    const world = createWorld()
    const { provider } = world
    return async ({ at, response, idToken, error, envelope }) => {
      delete provider.replies['/token']
      const spoiled = () => {
        const id_token = signChanged(provider.key, { alg: 'ES256', kid: 'k1' }, provider.idTokenClaims(), idToken)
        const failed = { error: 'invalid_grant', error_description: 'The code is spent.' }
        return replyOf(encodeJson(error ? failed : { ...provider.usualJson('/token'), id_token }, response), envelope)
      }
      if (at === 'callback') {
        const login = await begin(world)
        provider.replies['/token'] = spoiled
        const answer = await finish(world, login, PROVIDER_AT_FAULT)
        const signedIn = answer.status === 303
        if (signedIn && idToken.signature !== 'right') throw new Error('a forged ID token is accepted')
        return signedIn ? 'accepted' : 'refused'
      }
      provider.replies['/token'] = () => ({
        body: JSON.stringify({ ...provider.usualJson('/token'), expires_in: 0 }),
      })
      const cookie = await signIn(world)
      provider.nonce = undefined
      provider.replies['/token'] = spoiled
      const answer = await send(world, { url: '/token', headers: [['cookie', cookie]] }, PROVIDER_AT_FAULT)
      return answer.status === 200 ? 'accepted' : 'refused'
    }
  },
}

interface UserInfoInput {
  readonly signed: boolean
  readonly claims: JsonChanges
  readonly jwt: JwtChanges
  readonly envelope: Envelope
}

/** The provider's UserInfo response, as JSON and signed. */
export const userInfoTarget: Target<UserInfoInput> = {
  name: 'userInfo',
  accepted: 0.1,
  input: fc.record({
    signed: fc.constantFrom(false, false, true),
    claims: jsonChanges('sub', 'name', 'email', 'email_verified', '_claim_sources', 'address'),
    jwt: jwtChanges('iss', 'sub', 'aud', 'exp'),
    envelope,
  }),
  async prepare() {
    const world = createWorld({ userInfo: true })
    const { provider } = world
    return async ({ signed, claims, jwt, envelope }) => {
      provider.replies['/userinfo'] = () => {
        if (!signed) return replyOf(encodeJson({ ...provider.usualJson('/userinfo') }, claims), envelope)
        const said = { iss: ISSUER, aud: CLIENT_ID, sub: 'ada', name: 'Ada' }
        return replyOf(signChanged(provider.key, { alg: 'ES256', kid: 'k1' }, said, jwt), envelope, 'application/jwt')
      }
      const answer = await finish(world, await begin(world), PROVIDER_AT_FAULT)
      if (answer.status !== 303) return 'refused'
      await send(world, { url: '/profile', headers: [['cookie', cookiesOf(answer)]] })
      return 'accepted'
    }
  },
}

interface IntrospectionInput {
  readonly signed: boolean
  readonly response: JsonChanges
  readonly jwt: JwtChanges
  readonly envelope: Envelope
}

/** The provider's introspection response, as JSON and signed. */
export const introspectionTarget: Target<IntrospectionInput> = {
  name: 'introspection',
  accepted: 0.1,
  input: fc.record({
    signed: fc.constantFrom(false, false, true),
    response: jsonChanges('active', 'iss', 'sub', 'aud', 'exp', 'iat', 'scope', 'client_id', 'token_type', 'cnf'),
    jwt: jwtChanges('iss', 'aud', 'iat', 'token_introspection'),
    envelope,
  }),
  async prepare() {
    const introspection = { clientId: CLIENT_ID, clientSecret: 'client secret' }
    const worlds = {
      plain: createApiWorld({ introspection }),
      signed: createApiWorld({ introspection: { ...introspection, signedResponse: true } }),
    }
    return async ({ signed, response, jwt, envelope }) => {
      const world = signed ? worlds.signed : worlds.plain
      const { provider } = world
      provider.replies['/introspect'] = () => {
        const now = Math.floor(Date.now() / 1000)
        const said = { active: true, sub: 'ada', aud: AUDIENCE, exp: now + 300, scope: 'reports:read', client_id: 'x' }
        const text = encodeJson(said, response)
        if (!signed) return replyOf(text, envelope)
        const claims = { iss: ISSUER, aud: CLIENT_ID, iat: now, token_introspection: said }
        const header = { alg: 'ES256', kid: 'k1', typ: 'token-introspection+jwt' }
        return replyOf(signChanged(provider.key, header, claims, jwt), envelope, 'application/token-introspection+jwt')
      }
      const token = Math.random().toString(36)
      const answer = await send(world, { url: '/', headers: [['authorization', `Bearer ${token}`]] }, PROVIDER_AT_FAULT)
      return answer.status === 200 ? 'accepted' : 'refused'
    }
  },
}
