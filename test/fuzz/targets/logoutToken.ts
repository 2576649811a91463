import fc from 'fast-check'
import { send, type Target } from '../harness.js'
import { CLIENT_ID, createWorld, ISSUER, ORIGIN } from '../relyingPartyWorld.js'
import { encodeParameters, type ParameterChanges, parameterChanges } from '../spoil.js'
import { type JwtChanges, jwtChanges, signChanged } from '../spoilJwt.js'

interface Input {
  readonly jwt: JwtChanges
  readonly parameters: ParameterChanges
}

const CLAIMS = ['iss', 'sub', 'aud', 'iat', 'exp', 'jti', 'sid', 'events', 'nonce']

const SUBJECT = { format: 'iss_sub', iss: ISSUER, sub: 'ada' }

/** Security event tokens. */
export const securityEventTarget: Target<JwtChanges> = {
  name: 'securityEvent',
  accepted: 0.05,
  input: jwtChanges('iss', 'aud', 'iat', 'exp', 'jti', 'sub_id', 'events'),
  async prepare() {
    const world = createWorld()
    return async (changes) => {
      const claims = {
        iss: ISSUER,
        aud: CLIENT_ID,
        iat: Math.floor(Date.now() / 1000),
        jti: Math.random().toString(36),
        sub_id: SUBJECT,
        events: { 'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {} },
      }
      const header = { alg: 'ES256', kid: 'k1', typ: 'secevent+jwt' }
      const answer = await send(world, {
        method: 'POST',
        url: '/events',
        headers: [['content-type', 'application/secevent+jwt']],
        body: signChanged(world.provider.key, header, claims, changes),
      })
      if (answer.status === 202 && changes.signature !== 'right') throw new Error('a forged event is accepted')
      return answer.status === 202 ? 'accepted' : 'refused'
    }
  },
}

interface RevocationInput {
  readonly jwt: JwtChanges
  readonly body: unknown
}

const REVOCATION = { sub_id: SUBJECT }

/** Revocation requests: their tokens, and whom they name. */
export const revocationRequestTarget: Target<RevocationInput> = {
  name: 'revocationRequest',
  accepted: 0.05,
  input: fc.record({
    jwt: jwtChanges('iss', 'aud', 'iat', 'exp', 'jti'),
    body: fc.oneof(
      { weight: 4, arbitrary: fc.constant(REVOCATION) },
      fc.jsonValue(),
      fc.jsonValue().map((sub_id) => ({ sub_id })),
      fc
        .record({ format: fc.constantFrom('email', 'iss_sub', 'opaque'), iss: fc.constant(ISSUER) })
        .map((sub_id) => ({ sub_id })),
    ),
  }),
  async prepare() {
    const world = createWorld()
    return async ({ jwt, body }) => {
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: ISSUER,
        sub: CLIENT_ID,
        aud: `${ORIGIN}/revocation`,
        iat: now,
        exp: now + 300,
        jti: Math.random().toString(36),
      }
      const header = { alg: 'ES256', kid: 'k1', typ: 'global-token-revocation+jwt' }
      const answer = await send(world, {
        method: 'POST',
        url: '/revocation',
        headers: [
          ['content-type', 'application/json'],
          ['authorization', `Bearer ${signChanged(world.provider.key, header, claims, jwt)}`],
        ],
        body: JSON.stringify(body),
      })
      if (answer.status === 204 && jwt.signature !== 'right') throw new Error('a forged request is accepted')
      return answer.status === 204 ? 'accepted' : 'refused'
    }
  },
}

/** Logout tokens of a back-channel logout. */
export const logoutTokenTarget: Target<Input> = {
  name: 'logoutToken',
  accepted: 0.05,
  input: fc.record({ jwt: jwtChanges(...CLAIMS), parameters: parameterChanges('logout_token') }),
  async prepare() {
    const world = createWorld()
    return async ({ jwt, parameters }) => {
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: ISSUER,
        sub: 'ada',
        aud: CLIENT_ID,
        iat: now,
        exp: now + 120,
        jti: Math.random().toString(36),
        sid: 's1',
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      }
      const token = signChanged(world.provider.key, { alg: 'ES256', kid: 'k1', typ: 'logout+jwt' }, claims, jwt)
      const answer = await send(world, {
        method: 'POST',
        url: '/backchannel',
        headers: [['content-type', 'application/x-www-form-urlencoded']],
        body: encodeParameters({ logout_token: token }, parameters),
      })
      if (answer.status === 200 && jwt.signature !== 'right') throw new Error('a forged logout token is accepted')
      return answer.status === 200 ? 'accepted' : 'refused'
    }
  },
}
