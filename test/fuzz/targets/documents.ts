import fc from 'fast-check'
import { type ApiWorld, accessTokenClaims, createApiWorld } from '../apiWorld.js'
import { later } from '../clock.js'
import { type Envelope, envelope, replyOf } from '../envelope.js'
import { type Outcome, PROVIDER_AT_FAULT, send, type Target } from '../harness.js'
import { begun, createWorld, FakeProvider, finish, METADATA, type RelyingPartyWorld } from '../relyingPartyWorld.js'
import { type Change, changes, rarely, spoil } from '../spoil.js'
import { encodeJson, type JsonChanges, jsonChanges } from '../spoilJson.js'
import { signJwt } from '../spoilJwt.js'

type Side = 'relyingParty' | 'api'

const side = fc.constantFrom<Side>('relyingParty', 'api')

interface MetadataInput {
  readonly side: Side
  readonly metadata: JsonChanges
  readonly envelope: Envelope
}

const MEMBERS = [
  ...Object.keys(METADATA),
  'token_endpoint_auth_methods_supported',
  'code_challenge_methods_supported',
  'mtls_endpoint_aliases',
  'signed_metadata',
]

/** The provider's metadata, at a login and at an API. */
export const metadataTarget: Target<MetadataInput> = {
  name: 'metadata',
  accepted: 0.1,
  input: fc.record({ side, metadata: jsonChanges(...MEMBERS), envelope }),
  async prepare() {
    const provider = new FakeProvider()
    const read = createReader(provider)
    return async ({ side, metadata, envelope }) => {
      provider.replies['/.well-known/openid-configuration'] = () => replyOf(encodeJson(METADATA, metadata), envelope)
      return read(side)
    }
  },
}

interface KeysInput {
  readonly side: Side
  readonly key: JsonChanges
  readonly set: JsonChanges
  readonly copies: number
  readonly text: readonly Change[]
  readonly envelope: Envelope
}

/** The provider's key set, at a login and at an API. */
export const keysTarget: Target<KeysInput> = {
  name: 'keys',
  accepted: 0.1,
  input: fc.record({
    side,
    key: jsonChanges('kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'key_ops', 'd', 'k', 'x5c', 'x5u'),
    set: fc.oneof(
      { weight: 3, arbitrary: fc.constant({ set: [], without: [], twice: [], instead: undefined, text: [] }) },
      { weight: 1, arbitrary: jsonChanges('keys') },
    ),
    copies: fc.constantFrom(0, 1, 1, 1, 1, 2, 2, 200),
    text: rarely(changes, []),
    envelope,
  }),
  async prepare() {
    const provider = new FakeProvider()
    const read = createReader(provider)
    return async ({ side, key, set, copies, text, envelope }) => {
      const own = JSON.stringify(provider.key.jwk)
      const changed = encodeJson({ ...provider.key.jwk }, key)
      // Making a text of several MB takes longer than refusing it.
      const length = Math.min(copies, Math.ceil(200_000 / changed.length))
      const keys = `[${[...Array.from({ length }, () => changed), ...(copies > 1 ? [own] : [])].join(',')}]`
      const whole = encodeJson({ keys: 0 }, set).replace('"keys":0', () => `"keys":${keys}`)
      provider.replies['/jwks'] = () => replyOf(spoil(whole, text), envelope)
      return read(side)
    }
  },
}

/** After so many seconds no document in hand is used any more. */
const FORGOTTEN = 100_000

/** Makes an application that has forgotten the provider's documents read them. */
function createReader(provider: FakeProvider): (side: Side) => Promise<Outcome> {
  const api = createApiWorld({}, provider)
  const relyingParty = createWorld({}, { provider })
  let elapsed = 0
  return (side) => {
    elapsed += FORGOTTEN
    return later(elapsed, () => (side === 'api' ? useAtApi(api) : useAtLogin(relyingParty)))
  }
}

async function useAtApi(world: ApiWorld): Promise<Outcome> {
  const token = signJwt(world.provider.key, { alg: 'ES256', kid: 'k1', typ: 'at+jwt' }, accessTokenClaims())
  const answer = await send(world, { url: '/', headers: [['authorization', `Bearer ${token}`]] }, PROVIDER_AT_FAULT)
  return answer.status === 200 ? 'accepted' : 'refused'
}

async function useAtLogin(world: RelyingPartyWorld): Promise<Outcome> {
  const answer = await send(world, { url: '/login' }, PROVIDER_AT_FAULT)
  const { location } = answer
  if (location === undefined) return 'refused'
  if (!location.startsWith('https:')) throw new Error(`it leads to ${location}`)
  const ended = await finish(world, begun(world, answer), PROVIDER_AT_FAULT)
  return ended.status === 303 ? 'accepted' : 'refused'
}
