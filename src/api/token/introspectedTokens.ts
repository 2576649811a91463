import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { isInactive } from './introspection.js'
import { isRefusal, type Verdict } from './verify.js'

/** How long answers of an introspection endpoint are used. */
export interface IntrospectedTokensOptions {
  /** How long a revocation may go unnoticed. In seconds. `0` asks about each request. */
  readonly revocationDelay: number
  /** The most active tokens held. */
  readonly max: number
}

interface Held {
  readonly verdict: Verdict
  /** In milliseconds since the epoch. */
  readonly until: number
}

/** How long an inactive token is refused without asking: it does not become active again. In milliseconds. */
const INACTIVE_TTL = 10_000

/** How many inactive tokens are held, apart from the active ones, which a flood of them must not push out. */
const MAX_INACTIVE = 5000

/** Creates the function that asks about tokens: once for all who ask about a token at the same time. */
export function createIntrospectedTokens(
  ask: (token: string) => Promise<Verdict>,
  { revocationDelay, max }: IntrospectedTokensOptions,
): (token: string) => Verdict | Promise<Verdict> {
  const active = new LRUCache<string, Held>({ max })
  const inactive = new LRUCache<string, Held>({ max: MAX_INACTIVE })
  const flights = new Map<string, Promise<Verdict>>()

  function hold(digest: string, verdict: Verdict): void {
    const now = Date.now()
    if (!isRefusal(verdict)) {
      const until = Math.min(verdict.expiresAt * 1000, now + revocationDelay * 1000)
      inactive.delete(digest)
      if (until > now) active.set(digest, { verdict, until })
    } else if (isInactive(verdict)) {
      active.delete(digest)
      inactive.set(digest, { verdict, until: now + INACTIVE_TTL })
    }
  }

  return (token) => {
    const digest = hash('sha256', token, 'base64url')
    const held = inactive.get(digest) ?? active.get(digest)
    if (held && Date.now() < held.until) return held.verdict
    let flight = flights.get(digest)
    if (!flight) {
      flight = ask(token)
        .then((verdict) => {
          hold(digest, verdict)
          return verdict
        })
        .finally(() => flights.delete(digest))
      flights.set(digest, flight)
    }
    return flight
  }
}
