import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { isInactive } from './introspection.js'
import { isRefusal, type Verdict } from './verify.js'

/** Options of the cache of introspected tokens. */
interface IntrospectedTokensOptions {
  /** How long a revocation may go unnoticed. In seconds. With `0`, every request introspects its token. */
  readonly revocationDelay: number
  /** The maximum number of cached active tokens. */
  readonly max: number
}

interface Held {
  readonly verdict: Verdict
  /** In milliseconds since the epoch. */
  readonly until: number
}

/** How long an inactive token is refused without asking: it cannot become active again. In milliseconds. */
const INACTIVE_TTL = 10_000

/** How many inactive tokens are cached. Separate from the active ones, so that a flood cannot evict those. */
const MAX_INACTIVE = 5000

/** Creates the function that introspects tokens. Concurrent calls for the same token share one request. */
export function createIntrospectedTokens(
  ask: (token: string) => Promise<Verdict>,
  { revocationDelay, max }: IntrospectedTokensOptions,
): (token: string) => Verdict | Promise<Verdict> {
  const active = new LRUCache<string, Held>({ max })
  const inactive = new LRUCache<string, Held>({ max: MAX_INACTIVE })
  const pending = new Map<string, Promise<Verdict>>()

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
    let request = pending.get(digest)
    if (!request) {
      request = ask(token)
        .then((verdict) => {
          hold(digest, verdict)
          return verdict
        })
        .finally(() => pending.delete(digest))
      pending.set(digest, request)
    }
    return request
  }
}
