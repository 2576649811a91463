import type { KeyObject } from 'node:crypto'
import { configurationError } from '../errors.js'

/** How long a client secret is valid. Apple accepts six months. In seconds. */
const LIFETIME = 3600

/** How long before its expiry a client secret is replaced: no request is in progress that long. In seconds. */
const MARGIN = 600

/** What a client secret of Apple is made from. */
export interface AppleKey {
  readonly clientId: string
  readonly teamId: string
  readonly keyId: string
  readonly privateKey: string
  readonly audience: string
}

/**
 * Returns a function that returns the client secret for Apple: a JWT signed with the private key. It is signed again well
 * before it expires.
 *
 * @throws `ERR_CONFIGURATION` if the key is not a P-256 private key in PEM
 * @see [Creating a client secret](https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret)
 */
export function appleSecret({ clientId, teamId, keyId, privateKey, audience }: AppleKey): () => Promise<string> {
  const key = readKey(privateKey)
  let current: { secret: Promise<string>; until: number } | undefined
  async function sign(now: number): Promise<string> {
    const { SignJWT } = await import('jose/jwt/sign')
    return new SignJWT({ iss: teamId, sub: clientId, aud: audience, iat: now, exp: now + LIFETIME })
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .sign(key)
  }
  return () => {
    const now = Math.floor(Date.now() / 1000)
    // A clock that was set back makes the secret one of the future, which Apple refuses.
    if (!current || now >= current.until || now < current.until - LIFETIME) {
      const signed = { secret: sign(now), until: now + LIFETIME - MARGIN }
      current = signed
      signed.secret.catch(() => {
        if (current === signed) current = undefined
      })
    }
    return current.secret
  }
}

function readKey(privateKey: string): KeyObject {
  // Loading it with this module would cost more than all of the presets.
  const { createPrivateKey } = process.getBuiltinModule('node:crypto')
  let key: KeyObject | undefined
  try {
    // Environment variables often have the line breaks as two characters.
    key = createPrivateKey(privateKey.replaceAll('\\n', '\n'))
  } catch {
    // The error may quote the key.
  }
  if (key?.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  throw configurationError(
    'apple.privateKey',
    'is not a P-256 private key in PEM',
    'paste the contents of the .p8 file from the developer account, from -----BEGIN PRIVATE KEY----- to the end',
  )
}
