import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { VerificationKey } from './issuers.js'
import { isRefusal, type Verdict, type VerifiedToken } from './verify.js'

/** Bounds of the cache of verified tokens. */
export interface VerifiedTokensOptions {
  /** How long a verified token is not verified again. In seconds. `0` disables the cache. */
  readonly ttl: number
  /** The maximum number of cached tokens. */
  readonly max: number
}

interface Held {
  readonly token: VerifiedToken
  readonly key: VerificationKey
  /** In milliseconds since the epoch. */
  readonly until: number
}

/** Longer tokens are not cached. In characters. */
const MAX_LENGTH = 8192

/**
 * Caches verified JWTs by their SHA-256. Never caches refusals or introspected tokens.
 *
 * A token is cached no longer than it is valid, and only while the key that verified it is still one of its issuer's.
 * Concurrent calls for the same token share one verification.
 */
export class VerifiedTokens {
  readonly #verify: (token: string) => Verdict | Promise<Verdict>
  readonly #ttl: number
  readonly #held: LRUCache<string, Held>
  readonly #pending = new Map<string, Promise<Verdict>>()

  constructor(verify: (token: string) => Verdict | Promise<Verdict>, { ttl, max }: VerifiedTokensOptions) {
    this.#verify = verify
    this.#ttl = ttl * 1000
    this.#held = new LRUCache({ max })
  }

  /** Verifies a token, synchronously if it is cached or can be refused without a key. */
  verify(token: string): Verdict | Promise<Verdict> {
    if (this.#ttl === 0 || token.length > MAX_LENGTH) return this.#verify(token)
    const digest = hash('sha256', token, 'base64url')
    const held = this.#held.get(digest)
    if (held) {
      if (Date.now() < held.until && held.key.current) return held.token
      this.#held.delete(digest)
    }
    return this.#pending.get(digest) ?? this.#share(token, digest)
  }

  #share(token: string, digest: string): Verdict | Promise<Verdict> {
    const verdict = this.#verify(token)
    if (!(verdict instanceof Promise)) return verdict
    const request = verdict.then(
      (settled) => {
        this.#pending.delete(digest)
        if (!isRefusal(settled) && settled.key) this.#hold(digest, settled, settled.key)
        return settled
      },
      (error: unknown) => {
        this.#pending.delete(digest)
        throw error
      },
    )
    this.#pending.set(digest, request)
    return request
  }

  #hold(digest: string, token: VerifiedToken, key: VerificationKey): void {
    const now = Date.now()
    const until = Math.min(token.expiresAt * 1000, now + this.#ttl)
    if (until > now) this.#held.set(digest, { token, key, until })
  }
}
