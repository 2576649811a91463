import type { Claims } from '../../auth.js'

/**
 * Where a claim is in a provider's answer: a path such as `images.0.url`, or a template such as `{first_name} {last_name}` or
 * `https://cdn.example.com/{id}.png` whose placeholders are paths. In a URL their values are percent-encoded. Of several, the
 * first that is there.
 */
export type ClaimSource = string | readonly string[]

/** Where the claims are in a provider's answer. Every claim is a string, except `email_verified`. */
export interface ClaimsMapping {
  /** A number becomes a string. */
  readonly sub?: ClaimSource
  readonly name?: ClaimSource
  readonly given_name?: ClaimSource
  readonly family_name?: ClaimSource
  readonly preferred_username?: ClaimSource
  readonly locale?: ClaimSource
  readonly email?: ClaimSource
  /** `true` if the provider returns only addresses that it has verified. Default is that none is verified. */
  readonly email_verified?: ClaimSource | true
  readonly picture?: ClaimSource
}

/** How providers write that an address is verified: Apple and Cognito as a string, Entra ID as a number. */
const VERIFIED: readonly unknown[] = [true, 'true', 1, '1']

/**
 * Maps a provider's answer to claims. Those without a value are absent, except `email_verified`, which is `false` unless the
 * answer says otherwise.
 */
export function mapClaims({ sub, email_verified: verified, ...sources }: ClaimsMapping, answer: unknown): Claims {
  const texts = Object.entries(sources).map(([claim, source]) => [claim, first(source, answer, text)] as const)
  const claims: Claims = Object.fromEntries(texts.filter(([, value]) => value !== undefined))
  const subject = sub === undefined ? undefined : first(sub, answer, identifier)
  return {
    ...(subject === undefined ? {} : { sub: subject }),
    ...claims,
    email_verified:
      verified === true
        ? claims.email !== undefined
        : verified !== undefined && VERIFIED.includes(first(verified, answer, (value) => value)),
  }
}

/** Reads a value of the answer, or fills a template with values. */
function first<T>(source: ClaimSource, answer: unknown, read: (value: unknown) => T | undefined): T | undefined {
  for (const place of [source].flat()) {
    const value = place.includes('{') ? fill(place, answer) : valueAt(place, answer)
    const found = value === null ? undefined : read(value)
    if (found !== undefined) return found
  }
  return undefined
}

function valueAt(path: string, answer: unknown): unknown {
  return path.split('.').reduce<unknown>((value, key) => {
    const isParent = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    return isParent ? (value as Record<string, unknown>)[key] : undefined
  }, answer)
}

/** Returns `undefined` unless every placeholder has a value. */
function fill(template: string, answer: unknown): string | undefined {
  let isComplete = true
  const encode = template.startsWith('https://') ? encodeURIComponent : (value: string) => value
  const filled = template.replace(/\{([\w.]+)\}/g, (_whole, path: string) => {
    const value = identifier(valueAt(path, answer))
    if (value === undefined) isComplete = false
    return encode(value ?? '')
  })
  return isComplete ? filled : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Beyond 2^53, different numbers in JSON become the same in JavaScript: two users would share an account. */
function identifier(value: unknown): string | undefined {
  return Number.isSafeInteger(value) ? String(value) : text(value)
}
