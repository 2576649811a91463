import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { secrets } from '../../src/lib/check.js'

describe('a secret', () => {
  it.each([
    'change-me-please-change-me-please',
    'change-me-please-in-production-1234567890',
    'CHANGE_ME_TO_SOMETHING_LONG_AND_RANDOM',
    'keyboard cat'.repeat(3),
    'keyboard cat keyboard cat keyboard cat',
    'keyboard-cat-with-some-other-words-8712',
    'your-secret-key-goes-here-0123456789',
    'my-super-secret-key-for-development-01',
    'replace this with a long random string',
    'passwordpasswordpasswordpassword',
    'abcdefgh'.repeat(4),
    'abcdefghijklmnopqrstuvwxyz012345',
    '0123456789'.repeat(4),
    '0123456789abcdef'.repeat(2),
    'x1y2z3w4'.repeat(5),
    'aaaaaaaabbbbbbbbccccccccddddddddeeeeffgh',
    'qwertyuiopasdfghjklzxcvbnm123456',
    'a'.repeat(64),
  ])('that is a placeholder, repeats itself or counts is refused: %s', (secret) => {
    expect(secrets(secret)).toContain('openssl rand -base64 32')
    expect(secrets([randomBytes(32).toString('hex'), secret])).toContain('openssl rand -base64 32')
  })

  it('of random text is accepted, however it is written', () => {
    for (let i = 0; i < 500; i++) {
      for (const encoding of ['base64', 'base64url', 'hex', 'latin1'] as const) {
        expect(secrets(randomBytes(32).toString(encoding))).toBeUndefined()
      }
      expect(secrets(randomBytes(16).toString('hex'))).toBeUndefined()
      expect(secrets(randomUUID())).toBeUndefined()
    }
  })

  it('of several words is accepted', () => {
    expect(secrets('a secret of at least thirty-two characters')).toBeUndefined()
    expect(secrets('plum harbour violet anchor sixty kettle drum')).toBeUndefined()
  })
})
