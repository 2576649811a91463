import fc from 'fast-check'
import type { Reply } from './relyingPartyWorld.js'
import { type Change, changes, type Piece, piece, rarely, spoil, textOf } from './spoil.js'

/** How a provider sends an answer: status and headers. */
export interface Envelope {
  readonly status: number
  readonly type: readonly Change[]
  readonly headers: readonly (readonly [name: string, value: Piece])[]
}

const STATUSES = [201, 202, 204, 206, 301, 302, 307, 400, 401, 403, 404, 405, 418, 422, 429, 500, 502, 503, 599]
const HEADERS = [
  'www-authenticate',
  'retry-after',
  'dpop-nonce',
  'content-type',
  'cache-control',
  'location',
  'date',
  'age',
]

/** Most often status 200 and nothing unusual. */
export const envelope: fc.Arbitrary<Envelope> = fc.record({
  status: rarely(fc.constantFrom(...STATUSES), 200),
  type: rarely(changes, []),
  headers: rarely(fc.array(fc.tuple(fc.constantFrom(...HEADERS), piece), { minLength: 1, maxLength: 2 }), []),
})

/** Puts a body into an envelope. */
export function replyOf(body: string, { status, type, headers }: Envelope, contentType = 'application/json'): Reply {
  const all = {
    'content-type': spoil(contentType, type),
    ...Object.fromEntries(headers.map(([name, value]) => [name, textOf(value)])),
  }
  return { status, headers: all, body: status === 204 ? '' : body }
}
