import fc from 'fast-check'
import { AUDIENCE, accessTokenClaims, createApiWorld } from '../apiWorld.js'
import { send, type Target } from '../harness.js'
import { type Change, changes, type Piece, piece, rarely, seldom, spoil, textOf } from '../spoil.js'
import { type JwtChanges, jwtChanges, signChanged } from '../spoilJwt.js'

interface Input {
  readonly place: 'header' | 'body' | 'query'
  readonly path: '/' | '/reports'
  readonly jwt: JwtChanges
  readonly scheme: readonly Change[]
  readonly more: readonly Piece[]
}

const CLAIMS = [
  'iss',
  'sub',
  'aud',
  'iat',
  'exp',
  'nbf',
  'jti',
  'client_id',
  'scope',
  'scp',
  'cnf',
  'typ',
  'token_use',
  'nonce',
]

/** Access tokens as bearer: only what the issuer signed is let in. */
export const bearerTarget: Target<Input> = {
  name: 'bearer',
  accepted: 0.1,
  input: fc.record({
    place: seldom(fc.constantFrom('body' as const, 'query' as const), 'header' as const),
    path: fc.constantFrom('/' as const, '/reports' as const),
    jwt: jwtChanges(...CLAIMS),
    scheme: rarely(changes, []),
    more: rarely(fc.array(piece, { minLength: 1, maxLength: 3 }), []),
  }),
  async prepare() {
    const world = createApiWorld({ allowBodyToken: true })
    return async ({ place, path, jwt, scheme, more }) => {
      const token = signChanged(
        world.provider.key,
        { alg: 'ES256', kid: 'k1', typ: 'at+jwt' },
        accessTokenClaims(),
        jwt,
      )
      const others = more.map((value) => ['authorization', textOf(value)] as const)
      const form = { access_token: token }
      const answer = await send(
        world,
        {
          header: { url: path, headers: [['authorization', spoil('Bearer ', scheme) + token] as const, ...others] },
          body: {
            method: 'POST' as const,
            url: path,
            headers: [['content-type', 'application/x-www-form-urlencoded'] as const, ...others],
            body: new URLSearchParams(form).toString(),
          },
          query: { url: `${path}?${new URLSearchParams(form).toString()}`, headers: others },
        }[place],
      )
      const forged = jwt.signature !== 'right' || place === 'query'
      if (answer.status === 200 && forged) throw new Error(`a forged token is let in at ${AUDIENCE}`)
      return answer.status === 200 ? 'accepted' : 'refused'
    }
  },
}
