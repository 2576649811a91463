import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { VerificationKey } from './issuers.js'
import { isRefusal, type Verdict, type VerifiedToken } from './verify.js'

/** Bounds of the cache of verified tokens. */
export interface VerifiedTokensOptions {
  /** How long a token counts as verified. In seconds. `0` switches the cache off. */
  readonly ttl: number
  /** The most tokens held. */
  readonly max: number
}

interface Held {
  readonly token: VerifiedToken
  readonly key: VerificationKey
  /** In milliseconds since the epoch. */
  readonly until: number
}

/** Longer tokens are verified each time. In characters. */
const MAX_LENGTH = 8192

/**
 * Remembers the JWTs that passed, by their SHA-256. Refusals are never kept, nor what an introspection endpoint answers.
 *
 * A token is held no longer than it is valid, and only while the key that verified it is still one of its issuer's. Those
 * who ask about one token that is not held share one verification.
 */
export class VerifiedTokens {
  readonly #verify: (token: string) => Verdict | Promise<Verdict>
  readonly #ttl: number
  readonly #held: LRUCache<string, Held>
  readonly #flights = new Map<string, Promise<Verdict>>()

  constructor(verify: (token: string) => Verdict | Promise<Verdict>, { ttl, max }: VerifiedTokensOptions) {
    this.#verify = verify
    this.#ttl = ttl * 1000
    this.#held = new LRUCache({ max })
  }

  /** Verifies a token, at once where it is held or can be refused without a key. */
  verify(token: string): Verdict | Promise<Verdict> {
    if (this.#ttl === 0 || token.length > MAX_LENGTH) return this.#verify(token)
    const digest = hash('sha256', token, 'base64url')
    const held = this.#held.get(digest)
    if (held) {
      if (Date.now() < held.until && held.key.current) return held.token
      this.#held.delete(digest)
    }
    return this.#flights.get(digest) ?? this.#share(token, digest)
  }

  #share(token: string, digest: string): Verdict | Promise<Verdict> {
    const verdict = this.#verify(token)
    if (!(verdict instanceof Promise)) return verdict
    const flight = verdict.then(
      (settled) => {
        this.#flights.delete(digest)
        if (!isRefusal(settled) && settled.key) this.#hold(digest, settled, settled.key)
        return settled
      },
      (error: unknown) => {
        this.#flights.delete(digest)
        throw error
      },
    )
    this.#flights.set(digest, flight)
    return flight
  }

  #hold(digest: string, token: VerifiedToken, key: VerificationKey): void {
    const now = Date.now()
    const until = Math.min(token.expiresAt * 1000, now + this.#ttl)
    if (until > now) this.#held.set(digest, { token, key, until })
  }
}
