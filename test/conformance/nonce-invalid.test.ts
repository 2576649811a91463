import { describe } from 'vitest'
import { rejects } from '../support/bed/conformance.js'

describe('nonce-invalid', () => {
  rejects('an ID token with another nonce', { claims: { nonce: 'another' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token without the nonce that was sent', { claims: { nonce: undefined } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token with a list as nonce', { claims: ({ nonce }) => ({ nonce: [nonce] }) }, 'ERR_ID_TOKEN_INVALID')
  rejects(
    'an ID token whose nonce differs in case',
    { claims: ({ nonce }) => ({ nonce: String(nonce).toUpperCase() }) },
    'ERR_ID_TOKEN_INVALID',
  )
})
