import { JwtError } from '../../jwt/jws.js'
import { isObject } from '../../lib/json.js'
import type { Provider } from '../../provider/provider.js'
import { translateError } from '../../provider/translate.js'
import { type ReceivedToken, verifyReceived } from './receivedToken.js'

/** What a security event token asks for, verified. */
export interface SecurityEvents extends ReceivedToken {
  /** The users whose sessions end. Empty if it is about something else. */
  readonly subjects: readonly string[]
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
 * Verifies a security event token: all that {@link verifyReceived} checks, then its events.
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
  try {
    const received = await verifyReceived(provider, token, {
      types: ['secevent+jwt'],
      audiences,
      audienceHint: 'set securityEvents({ audience }) to what the stream is registered with at the provider',
      maxAge: MAX_AGE,
      required: [],
    })
    return { ...received, subjects: readSubjects(received.claims) }
  } catch (error) {
    const doing = 'the check of the security event token'
    throw translateError(error, 'ERR_SECURITY_EVENT_INVALID', doing, provider.errorContext())
  }
}

/** Returns the subjects of the events that end sessions, each once. */
function readSubjects({ events, sub_id, iss }: Claims): string[] {
  if (!isObject(events)) throw new JwtError('events is missing', 'events')
  const entries = Object.entries(events)
  if (entries.length > MAX_EVENTS) throw new JwtError('there are too many events', 'events')
  const ending = entries.filter(([type]) => ENDING.includes(type))
  // Older drafts have the subject in the event itself.
  const givenBy = (event: unknown) => sub_id ?? (isObject(event) ? event.subject : undefined)
  return [...new Set(ending.map(([, event]) => subjectOf(givenBy(event), [iss])))]
}

/**
 * Returns the `sub` that a subject identifier names.
 *
 * @param issuers - of which its `iss` must be one
 * @throws `JwtError`
 * @see [RFC 9493 §3.2](https://www.rfc-editor.org/rfc/rfc9493#section-3.2)
 */
export function subjectOf(given: unknown, issuers: readonly unknown[]): string {
  const user = isObject(given) && isObject(given.user) ? given.user : given
  if (!isObject(user)) throw new JwtError('sub_id is missing', 'sub_id')
  const format = user.format ?? user.subject_type
  if (format === 'opaque' && isId(user.id)) return user.id
  if ((format === 'iss_sub' || format === 'iss-sub') && isId(user.sub)) {
    if (issuers.includes(user.iss)) return user.sub
    throw new JwtError('the subject is of another issuer', 'sub_id', { expected: issuers, actual: user.iss })
  }
  throw new JwtError('the subject is not identified by iss and sub, or by an opaque id', 'sub_id', { actual: format })
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
