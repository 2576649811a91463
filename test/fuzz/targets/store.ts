import fc from 'fast-check'
import { MemoryAuthStore } from '../../support/stores/memoryAuthStore.js'
import { later } from '../clock.js'
import { cookiesOf, type Sent } from '../exchange.js'
import { PROVIDER_AT_FAULT, send, type Target } from '../harness.js'
import { type Begun, begin, createWorld, finish, type RelyingPartyWorld, signIn } from '../relyingPartyWorld.js'
import { type Change, someChanges, spoil } from '../spoil.js'
import { encodeJson, type JsonChanges, jsonChanges } from '../spoilJson.js'

interface Input {
  /** The kind of the entries that are spoiled, by the beginning of their keys. */
  readonly kind: string
  readonly url: string
  readonly json: JsonChanges
  readonly text: readonly Change[]
}

const MEMBERS = [
  ...[
    'provider',
    'registration',
    'issuer',
    'subject',
    'sid',
    'claims',
    'scopes',
    'authentication',
    'openedAt',
    'endsAt',
  ],
  ...[
    'idle',
    'accessTokenExpiresAt',
    'refreshable',
    'generation',
    'records',
    'endedAt',
    'state',
    'nextPollAt',
    'interval',
  ],
]

/** Values that come back spoiled from the `AuthStore`: whoever they belong to is anonymous, or the store is at fault. */
export const storeTarget: Target<Input> = {
  name: 'store',
  accepted: 0.1,
  input: fc.record({
    kind: fc.constantFrom('record:', 'record:', 'subject:', 'sid:', 'device:', 'transaction:', ''),
    url: fc.constantFrom('/profile', '/', '/token', '/recent', '/logout', '/device', '/callback'),
    json: jsonChanges(...MEMBERS),
    text: someChanges(),
  }),
  async prepare() {
    const store = new MemoryAuthStore()
    const world = createWorld({}, { store })
    return async ({ kind, url, json, text }) => {
      for (const key of store.keys()) await store.remove(key)
      const cookie = await signIn(world)
      const device = url === '/device' ? await beginDevice(world) : ''
      const headers = [['cookie', `${cookie}; ${device}`]] as const
      const login = url === '/callback' ? await begin(world) : undefined
      for (const key of store.keys().filter((key) => key.startsWith(kind))) {
        await store.set(key, spoiled((await store.get(key)) ?? '', json, text), 600)
      }
      const answer = await ask(world, url, headers, login)
      // What is spoiled keeps no one out of the pages for everyone.
      const after = await send(world, { url: '/', headers }, PROVIDER_AT_FAULT)
      if (kind !== 'subject:' && kind !== '' && after.status !== 200)
        throw new Error('a spoiled entry shuts a user out')
      return answer.status < 400 ? 'accepted' : 'refused'
    }
  },
}

/** Begins a device login, and asks about it once. Resolves to its cookie. */
async function beginDevice(world: RelyingPartyWorld): Promise<string> {
  const cookie = cookiesOf(await send(world, { url: '/device' }))
  await later(6, () => send(world, { url: '/device', headers: [['cookie', cookie]] }))
  return cookie
}

async function ask(world: RelyingPartyWorld, url: string, headers: Sent['headers'], login?: Begun) {
  if (login) return finish(world, login, PROVIDER_AT_FAULT)
  const method = url === '/logout' ? 'POST' : 'GET'
  return send(world, { method, url, ...(headers ? { headers } : {}) }, PROVIDER_AT_FAULT)
}

/** Spoils the JSON that a value begins with, where it does. */
function spoiled(value: string, json: JsonChanges, text: readonly Change[]): string {
  const [first = '', ...rest] = value.split('\n')
  if (!first.startsWith('{')) return spoil(value, text)
  const changed = encodeJson(JSON.parse(first) as Record<string, unknown>, json)
  return [changed, ...rest].join('\n')
}
