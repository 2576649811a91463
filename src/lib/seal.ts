import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** What a sealed value is for. A value sealed for one purpose cannot be unsealed for another. */
export type SealPurpose =
  | 'login-transaction'
  | 'login-loop'
  | 'logout-transaction'
  | 'token-record'
  | 'client-token'
  | 'step-up'
  | 'device-transaction'
  | 'device-tokens'

/** Seals and unseals small values: cookies and token records. */
export interface Sealer {
  /** Encrypts and authenticates `plaintext`, bound to `purpose` and to `context` (a cookie name, a record id). */
  seal(purpose: SealPurpose, context: string, plaintext: Uint8Array | string): string
  /** Decrypts a sealed value. Returns `undefined` if it was altered, or sealed for another purpose, context or secret. */
  unseal(purpose: SealPurpose, context: string, sealed: string): Buffer | undefined
}

const IV_LENGTH = 12
const TAG_LENGTH = 16

/**
 * Creates a {@link Sealer} that uses AES-256-GCM, with a key for each purpose and secret, derived by HKDF-SHA256.
 *
 * The first secret encrypts, all decrypt: put a new secret first to rotate.
 */
export function createSealer(secrets: readonly string[]): Sealer {
  const keysByPurpose = new Map<SealPurpose, Buffer[]>()

  function keys(purpose: SealPurpose): Buffer[] {
    let derived = keysByPurpose.get(purpose)
    if (!derived) {
      derived = secrets.map((secret) =>
        Buffer.from(hkdfSync('sha256', secret, '', `express-relying-party ${purpose}`, 32)),
      )
      keysByPurpose.set(purpose, derived)
    }
    return derived
  }

  function decrypt(key: Buffer, aad: Buffer, bytes: Buffer): Buffer | undefined {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_LENGTH), { authTagLength: TAG_LENGTH })
    decipher.setAAD(aad)
    decipher.setAuthTag(bytes.subarray(-TAG_LENGTH))
    const start = decipher.update(bytes.subarray(IV_LENGTH, -TAG_LENGTH))
    try {
      return Buffer.concat([start, decipher.final()])
    } catch {
      return undefined
    }
  }

  return {
    seal(purpose, context, plaintext) {
      const iv = randomBytes(IV_LENGTH)
      const [key] = keys(purpose) as [Buffer]
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_LENGTH })
      cipher.setAAD(associatedData(purpose, context))
      return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]).toString('base64url')
    },
    unseal(purpose, context, sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length < IV_LENGTH + TAG_LENGTH) return undefined
      const aad = associatedData(purpose, context)
      for (const key of keys(purpose)) {
        const plaintext = decrypt(key, aad, bytes)
        if (plaintext) return plaintext
      }
      return undefined
    },
  }
}

function associatedData(purpose: SealPurpose, context: string): Buffer {
  return Buffer.from(`${purpose}\0${context}`)
}
