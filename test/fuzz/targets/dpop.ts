import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { calculateJwkThumbprint } from 'jose'
import { AUDIENCE, accessTokenClaims, createApiWorld } from '../apiWorld.js'
import { send, type Target } from '../harness.js'
import { type Piece, piece, rarely, textOf } from '../spoil.js'
import { createKey, type JwtChanges, jwtChanges, signChanged, signJwt } from '../spoilJwt.js'

interface Input {
  readonly proof: JwtChanges
  readonly more: readonly Piece[]
  readonly url: string
}

/** DPoP proofs: only those of the key that the token is bound to are accepted. */
export const dpopTarget: Target<Input> = {
  name: 'dpop',
  accepted: 0.1,
  input: fc.record({
    proof: jwtChanges('htm', 'htu', 'iat', 'jti', 'ath', 'nonce', 'exp', 'nbf'),
    more: rarely(fc.array(piece, { minLength: 1, maxLength: 3 }), []),
    url: fc.constantFrom('/', '/reports', '/?a=1'),
  }),
  async prepare() {
    const world = createApiWorld({ dpop: { required: true } })
    const key = createKey('client')
    const { kty, crv, x, y } = key.jwk
    const publicKey = { kty, crv, x, y }
    const jkt = await calculateJwkThumbprint(key.jwk)
    return async ({ proof, more, url }) => {
      const claims = { ...accessTokenClaims(), cnf: { jkt } }
      const token = signJwt(world.provider.key, { alg: 'ES256', kid: 'k1', typ: 'at+jwt' }, claims)
      const proofClaims = {
        htm: 'GET',
        htu: AUDIENCE + url,
        iat: Math.floor(Date.now() / 1000),
        jti: Math.random().toString(36),
        ath: createHash('sha256').update(token).digest('base64url'),
      }
      const signed = signChanged(key, { alg: 'ES256', typ: 'dpop+jwt', jwk: publicKey }, proofClaims, proof)
      const answer = await send(world, {
        url,
        headers: [
          ['authorization', `DPoP ${token}`],
          ['dpop', signed],
          ...more.map((value) => ['dpop', textOf(value)] as const),
        ],
      })
      if (answer.status === 200 && proof.signature !== 'right') throw new Error('a forged proof is accepted')
      return answer.status === 200 ? 'accepted' : 'refused'
    }
  },
}
