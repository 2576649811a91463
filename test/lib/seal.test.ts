import { createDecipheriv, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealer, type SealPurpose } from '../../src/lib/seal.js'

const NEW = 'the new secret, of thirty-two characters or more'
const OLD = 'the old secret, of thirty-two characters or more'

/** Every purpose: the compiler checks that none is missing. */
const PURPOSES = Object.keys({
  'login-transaction': true,
  'login-loop': true,
  'logout-transaction': true,
  'token-record': true,
  'client-token': true,
  'step-up': true,
  'device-transaction': true,
  'device-tokens': true,
} satisfies Record<SealPurpose, true>) as SealPurpose[]

/** Decrypts a sealed value with `node:crypto`: with the key for one purpose and any associated data. */
function openByHand(sealed: string, keyPurpose: SealPurpose, aad: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  const key = Buffer.from(hkdfSync('sha256', NEW, '', `express-relying-party ${keyPurpose}`, 32))
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
  decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(-16))
  const opened = decipher.update(bytes.subarray(12, -16), undefined, 'utf8')
  try {
    return opened + decipher.final('utf8')
  } catch {
    return undefined
  }
}

describe('a sealer', () => {
  const sealer = createSealer([NEW])

  it('returns exactly what it sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (bytes, context) => {
        const sealed = sealer.seal('token-record', context, bytes)
        expect(sealed).toMatch(/^[\w-]+$/)
        expect(sealer.unseal('token-record', context, sealed)).toEqual(Buffer.from(bytes))
      }),
    )
    expect(sealer.unseal('token-record', 'id', sealer.seal('token-record', 'id', 'Zoë'))?.toString()).toBe('Zoë')
  })

  it('never seals a value the same way twice, and shows nothing of the content', () => {
    const first = sealer.seal('token-record', 'id', 'the same content')
    expect(sealer.seal('token-record', 'id', 'the same content')).not.toBe(first)
    expect(Buffer.from(first, 'base64url').toString('latin1')).not.toContain('content')
  })

  it('unseals a value only for the purpose it was sealed for', () => {
    for (const purpose of PURPOSES) {
      const sealed = sealer.seal(purpose, 'id', 'content')
      for (const other of PURPOSES) {
        expect(sealer.unseal(other, 'id', sealed)?.toString()).toBe(other === purpose ? 'content' : undefined)
      }
    }
  })

  it('has a separate key for each purpose, and also authenticates purpose and context', () => {
    for (const purpose of PURPOSES) {
      const sealed = sealer.seal(purpose, 'id', 'content')
      for (const other of PURPOSES) {
        const same = other === purpose
        expect(openByHand(sealed, other, `${purpose}\0id`)).toBe(same ? 'content' : undefined)
        expect(openByHand(sealed, purpose, `${other}\0id`)).toBe(same ? 'content' : undefined)
      }
      for (const aad of ['', 'id', purpose, `${purpose}id`]) {
        expect(openByHand(sealed, purpose, aad)).toBeUndefined()
      }
    }
  })

  it('unseals what an earlier release sealed, so that an update does not sign anyone out', () => {
    const sealed = '3VbeQTeVHZySaBsDoaFL3zfcCde_rbdkuhVMkCjcfbwHLePoofwmZBuQjaXkpfGTBcDpP_pX1D0'
    expect(sealer.unseal('token-record', 'record-1', sealed)?.toString()).toBe('sealed by an earlier release')
    expect(sealer.unseal('token-record', 'record-2', sealed)).toBeUndefined()
  })

  it('unseals a value only in the context it was sealed in', () => {
    const sealed = sealer.seal('token-record', 'record-1', 'content')
    expect(sealer.unseal('token-record', 'record-1', sealed)?.toString()).toBe('content')
    for (const context of ['record-2', 'record-', 'record-1 ', 'record-1\0', '']) {
      expect(sealer.unseal('token-record', context, sealed)).toBeUndefined()
    }
  })

  it('does not unseal a value of another secret', () => {
    const sealed = sealer.seal('token-record', 'id', 'content')
    expect(createSealer([OLD]).unseal('token-record', 'id', sealed)).toBeUndefined()
    expect(createSealer([`${NEW} `]).unseal('token-record', 'id', sealed)).toBeUndefined()
    expect(createSealer([NEW]).unseal('token-record', 'id', sealed)?.toString()).toBe('content')
  })

  it('seals with the first secret and unseals with all, so that secrets can be rotated', () => {
    const before = createSealer([OLD])
    const during = createSealer([NEW, OLD])
    const after = createSealer([NEW])
    const old = before.seal('token-record', 'id', 'content')
    const resealed = during.seal('token-record', 'id', 'content')
    expect(during.unseal('token-record', 'id', old)?.toString()).toBe('content')
    expect(after.unseal('token-record', 'id', resealed)?.toString()).toBe('content')
    expect(after.unseal('token-record', 'id', old)).toBeUndefined()
    expect(before.unseal('token-record', 'id', resealed)).toBeUndefined()
  })

  it('does not unseal a value with any bit changed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (content, position, bit) => {
          const bytes = Buffer.from(sealer.seal('token-record', 'id', content), 'base64url')
          const at = position % bytes.length
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
          expect(sealer.unseal('token-record', 'id', bytes.toString('base64url'))).toBeUndefined()
        },
      ),
    )
  })

  it('does not unseal a value with any single byte changed', () => {
    const bytes = Buffer.from(sealer.seal('token-record', 'id', 'content'), 'base64url')
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0xff
      expect(sealer.unseal('token-record', 'id', changed.toString('base64url'))).toBeUndefined()
    }
    expect(sealer.unseal('token-record', 'id', bytes.toString('base64url'))?.toString()).toBe('content')
  })

  it('does not unseal a value that was truncated or extended', () => {
    const bytes = Buffer.from(sealer.seal('token-record', 'id', 'content'), 'base64url')
    for (let length = 0; length < bytes.length; length++) {
      expect(sealer.unseal('token-record', 'id', bytes.subarray(0, length).toString('base64url'))).toBeUndefined()
    }
    const longer = Buffer.concat([bytes, Buffer.alloc(1)])
    expect(sealer.unseal('token-record', 'id', longer.toString('base64url'))).toBeUndefined()
  })

  it('returns undefined for garbage, without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (garbage) => {
        expect(sealer.unseal('login-transaction', 'id', garbage)).toBeUndefined()
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        expect(sealer.unseal('login-transaction', 'id', Buffer.from(garbage).toString('base64url'))).toBeUndefined()
      }),
    )
  })
})
