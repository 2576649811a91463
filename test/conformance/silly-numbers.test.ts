import { describe } from 'vitest'
import { accepts, rejects } from '../support/bed/conformance.js'

/** JSON values that are not a time. */
const NO_TIMES = [
  '1e300',
  '1e400',
  '-1',
  '-1e300',
  '"4102444800"',
  '"tomorrow"',
  '""',
  '1900000000000',
  'null',
  'true',
  '[4102444800]',
  '{}',
]

/** Writes a claim as JSON that `JSON.stringify` would not produce. */
function write(name: string, value: string): (payload: string) => string {
  return (payload) => `{"${name}":${value},${payload.slice(1).replace(new RegExp(`"${name}":\\d+,?`), '')}`
}

/** Adds a claim of arrays in arrays. */
function nested(depth: number): (payload: string) => string {
  return (payload) => `{"deep":${'['.repeat(depth)}${']'.repeat(depth)},${payload.slice(1)}`
}

describe('silly numbers in an ID token', () => {
  accepts('a fraction of a second', { claims: ({ exp, iat }) => ({ exp: Number(exp) + 0.5, iat: Number(iat) - 0.5 }) })
  for (const name of ['exp', 'iat', 'nbf', 'auth_time']) {
    for (const value of NO_TIMES) {
      rejects(`${value} as ${name}`, { payload: write(name, value) }, 'ERR_ID_TOKEN_INVALID')
    }
  }
  rejects('an array as the payload', { payload: (usual) => `[${usual}]` }, 'ERR_ID_TOKEN_INVALID')
  rejects('null as the payload', { payload: () => 'null' }, 'ERR_ID_TOKEN_INVALID')
  rejects('a payload that is not JSON', { payload: (usual) => usual.slice(1) }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token of two parts', { jwt: (jwt) => jwt.split('.').slice(0, 2).join('.') }, 'ERR_ID_TOKEN_INVALID')
  rejects('an ID token over 64 KiB', { claims: { padding: 'x'.repeat(50_000) } }, 'ERR_ID_TOKEN_INVALID')
  accepts('a long ID token within the limit', { claims: { padding: 'x'.repeat(20_000) } })
  rejects('a claim nested 10,000 deep', { payload: nested(10_000) }, 'ERR_ID_TOKEN_INVALID')
  accepts('a claim nested 50 deep', { payload: nested(50) })
  rejects('an ID token that is not a JWT', { tokens: { id_token: 'ada' } }, 'ERR_ID_TOKEN_INVALID')
})
