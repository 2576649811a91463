import { describe } from 'vitest'
import { accepts, rejects } from '../support/bed/conformance.js'

describe('invalid-aud', () => {
  accepts('aud as an array', { claims: { aud: ['app'] } })
  accepts('an azp that is this client', { claims: { azp: 'app' } })
  rejects('an ID token for another client', { claims: { aud: 'other' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token for other clients', { claims: { aud: ['other', 'application'] } }, 'ERR_ID_TOKEN_INVALID')
  rejects('a second, untrusted aud', { claims: { aud: ['app', 'other'] } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an azp that is another client', { claims: { azp: 'other' } }, 'ERR_ID_TOKEN_INVALID')
  rejects(
    'a second aud that is also the azp',
    { claims: { aud: ['app', 'other'], azp: 'other' } },
    'ERR_ID_TOKEN_INVALID',
  )
  rejects('an aud that only begins with the client identifier', { claims: { aud: 'app2' } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an object as aud', { claims: { aud: { app: 'app' } } }, 'ERR_ID_TOKEN_INVALID')
  rejects('an empty array as aud', { claims: { aud: [] } }, 'ERR_ID_TOKEN_INVALID')
})
