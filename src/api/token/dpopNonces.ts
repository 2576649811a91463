import { createHmac } from 'node:crypto'

/** Nonces for DPoP proofs, which this server issues and recognizes without storing them. */
export interface Nonces {
  /** Returns the nonce for clients to use now. */
  current(): string
  /** Checks whether a nonce is the current or the previous one. */
  accepts(nonce: string): boolean
}

/**
 * Creates nonces that change every `lifetime` seconds.
 *
 * Each is an HMAC of its period, so all processes with the same secret agree.
 *
 * @param secrets - the first issues nonces, those of all are accepted
 * @see [RFC 9449 §9](https://www.rfc-editor.org/rfc/rfc9449#section-9)
 */
export function createNonces(secrets: readonly string[], lifetime: number): Nonces {
  const made = new Map<string, string>()

  function nonce(secret: string, period: number): string {
    const name = `${period}:${secrets.indexOf(secret)}`
    let value = made.get(name)
    if (value === undefined) {
      value = createHmac('sha256', secret).update(`express-relying-party dpop-nonce ${period}`).digest('base64url')
      if (made.size >= 4 * secrets.length) made.clear()
      made.set(name, value)
    }
    return value
  }

  const period = () => Math.floor(Date.now() / 1000 / lifetime)
  return {
    current: () => nonce(secrets[0] as string, period()),
    accepts(value) {
      const now = period()
      return secrets.some((secret) => value === nonce(secret, now) || value === nonce(secret, now - 1))
    },
  }
}
