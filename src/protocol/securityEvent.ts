import { JwtError, verifySignature } from '../jwt/jws.js'
import { checkJwtTimes, isOlderThan } from '../jwt/times.js'
import { isObject } from '../lib/json.js'
import type { Provider } from '../provider/provider.js'
import { translateError } from '../provider/translate.js'
import { assertIssuer } from './idToken.js'

/** What a security event token asks for, verified. */
export interface SecurityEvents {
  /** The users whose sessions end. Empty if it is about something else. */
  readonly subjects: readonly string[]
  /** The token's unique identifier. */
  readonly jti: string
  /** When the provider issued the token, by its clock. In seconds since the epoch. */
  readonly issuedAt: number
  /** When the token is no longer accepted. In seconds since the epoch. */
  readonly usableUntil: number
}

type Claims = Readonly<Record<string, unknown>>

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'

/** The events that end sessions. */
const ENDING = [
  `${CAEP}session-revoked`,
  `${CAEP}credential-change`,
  `${RISC}sessions-revoked`,
  `${RISC}account-disabled`,
  `${RISC}account-purged`,
  `${RISC}credential-compromise`,
]

/** How old a token may be: providers send it again until it is acknowledged. In seconds. */
const MAX_AGE = 86_400

/** How many events one token may have. */
const MAX_EVENTS = 20

/**
 * Verifies a security event token: signature, type, `iss`, `aud`, times, then its events. The caller checks whether it was
 * used before.
 *
 * @param audiences - of which `aud` must have one
 * @throws `ERR_SECURITY_EVENT_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`
 * @see [RFC 8417 §2](https://www.rfc-editor.org/rfc/rfc8417#section-2)
 */
export async function verifySecurityEvents(
  provider: Provider,
  token: string,
  audiences: readonly string[],
): Promise<SecurityEvents> {
  const { clockTolerance } = provider
  try {
    const { issuer } = await provider.issuers()
    const { header, payload } = await verifySignature(token, {
      algorithms: [provider.options.idTokenSigningAlg],
      algorithmsOption: 'idTokenSigningAlg',
      keys: provider.keySource,
    })
    assertType(header)
    assertIssuer(payload, { issuer })
    assertAudience(payload, audiences)
    assertTimes(payload, clockTolerance)
    const issuedAt = payload.iat as number
    return {
      jti: readJti(payload),
      subjects: readSubjects(payload),
      issuedAt,
      usableUntil: issuedAt + MAX_AGE + clockTolerance,
    }
  } catch (error) {
    const doing = 'the check of the security event token'
    throw translateError(error, 'ERR_SECURITY_EVENT_INVALID', doing, provider.errorContext())
  }
}

/** The type keeps other tokens of the provider, such as ID tokens, from being taken for events (RFC 8417 §2.3). */
function assertType({ typ }: Claims): void {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
  if (type === 'secevent+jwt') return
  throw new JwtError('typ is that of another kind of token', 'typ', { expected: 'secevent+jwt', actual: typ })
}

function assertAudience({ aud }: Claims, audiences: readonly string[]): void {
  if ([aud].flat().some((one) => audiences.includes(one as string))) return
  throw new JwtError('aud is another receiver', 'aud', {
    expected: audiences,
    actual: aud,
    hint: 'set securityEvents({ audience }) to what the stream is registered with at the provider',
  })
}

function assertTimes(payload: Claims, clockTolerance: number): void {
  const problem = checkJwtTimes(payload, { clockTolerance, required: ['iat'] })
  if (problem) throw new JwtError(problem.message, problem.claim, problem)
  if (!isOlderThan(payload.iat as number, MAX_AGE, clockTolerance)) return
  throw new JwtError('the token is too old', 'iat', { expected: MAX_AGE, actual: payload.iat })
}

function readJti({ jti }: Claims): string {
  if (typeof jti === 'string' && jti !== '') return jti
  throw new JwtError('jti is missing', 'jti')
}

/** Returns the subjects of the events that end sessions, each once. */
function readSubjects(payload: Claims): string[] {
  const { events } = payload
  if (!isObject(events)) throw new JwtError('events is missing', 'events')
  const entries = Object.entries(events)
  if (entries.length > MAX_EVENTS) throw new JwtError('there are too many events', 'events')
  const ending = entries.filter(([type]) => ENDING.includes(type))
  return [...new Set(ending.map(([, event]) => subjectOf(payload, event)))]
}

/**
 * Returns the `sub` that an event is about. Older drafts have it in the event itself.
 *
 * @see [RFC 9493 §3.2](https://www.rfc-editor.org/rfc/rfc9493#section-3.2)
 */
function subjectOf({ sub_id, iss }: Claims, event: unknown): string {
  const given = sub_id ?? (isObject(event) ? event.subject : undefined)
  const user = isObject(given) && isObject(given.user) ? given.user : given
  if (!isObject(user)) throw new JwtError('sub_id is missing', 'sub_id')
  const format = user.format ?? user.subject_type
  if (format === 'opaque' && isId(user.id)) return user.id
  if ((format === 'iss_sub' || format === 'iss-sub') && isId(user.sub)) {
    if (user.iss === iss) return user.sub
    throw new JwtError('the subject is of another issuer', 'sub_id', { expected: iss, actual: user.iss })
  }
  throw new JwtError('the subject is not identified by iss and sub, or by an opaque id', 'sub_id', { actual: format })
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
