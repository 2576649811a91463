import { describe } from 'vitest'
import type { ErrorCode } from '../../src/index.js'
import { accepts, rejects } from '../support/bed/conformance.js'
import { type Json, json, type Reply } from '../support/provider/providerReplies.js'
import type { Spoil } from '../support/provider/spoil.js'

/** Token responses that real providers send. */
const PASSABLE: Readonly<Record<string, Json>> = {
  'token_type bearer': { token_type: 'bearer' },
  'token_type BEARER': { token_type: 'BEARER' },
  'no expires_in': { expires_in: undefined },
  'expires_in as a string': { expires_in: '3600' },
  'no scope': { scope: undefined },
  'an empty scope': { scope: '' },
  'an array as scope': { scope: ['openid', 'email'] },
  'more scopes than asked for': { scope: 'openid email other:consented' },
  'no refresh_token': { refresh_token: undefined },
  'unknown members': { ext_expires_in: 7200, foci: '1', not_before: {} },
}

const SILLY: Readonly<Record<string, Json>> = {
  'no access_token': { access_token: undefined },
  'an empty access_token': { access_token: '' },
  'an array as access_token': { access_token: ['token'] },
  'no token_type': { token_type: undefined },
  'an unknown token_type': { token_type: 'mac' },
  'an object as refresh_token': { refresh_token: {} },
  'no id_token': { id_token: undefined },
  'null as id_token': { id_token: null },
  'an array as id_token': { id_token: [] },
  'a negative expires_in': { expires_in: -1 },
  'words as expires_in': { expires_in: 'soon' },
  'numbers as scope': { scope: [1] },
}

const REFUSED: ReadonlyArray<readonly [what: string, code: ErrorCode, reply: Partial<Reply>]> = [
  ['400 invalid_grant', 'ERR_TOKEN_REQUEST_REFUSED', json({ error: 'invalid_grant' }, 400)],
  ['400 with an empty body', 'ERR_TOKEN_RESPONSE_INVALID', { status: 400, headers: {}, body: '' }],
  ['400 with HTML', 'ERR_TOKEN_RESPONSE_INVALID', { status: 400, headers: html(), body: '<h1>Bad</h1>' }],
  ['400 with an array', 'ERR_TOKEN_RESPONSE_INVALID', json(['invalid_grant'], 400)],
  ['401 invalid_client without WWW-Authenticate', 'ERR_CLIENT_REFUSED', json({ error: 'invalid_client' }, 401)],
  ['401 with an empty body', 'ERR_CLIENT_REFUSED', { status: 401, headers: {}, body: '' }],
  ['401 with WWW-Authenticate only', 'ERR_CLIENT_REFUSED', { status: 401, headers: basicChallenge(), body: '' }],
  ['403 unauthorized_client', 'ERR_CLIENT_REFUSED', json({ error: 'unauthorized_client' }, 403)],
  ['404', 'ERR_TOKEN_RESPONSE_INVALID', json({ message: 'no such path' }, 404)],
  ['a redirect', 'ERR_METADATA_INVALID', { status: 302, headers: { location: '/elsewhere' }, body: '' }],
  ['429', 'ERR_PROVIDER_UNAVAILABLE', { status: 429, headers: { 'retry-after': '7' }, body: '' }],
  ['500 with HTML', 'ERR_PROVIDER_UNAVAILABLE', { status: 500, headers: html(), body: '<h1>Oops</h1>' }],
  ['200 with an error', 'ERR_TOKEN_REQUEST_REFUSED', json({ error: 'bad_verification_code' })],
  ['200 with an empty body', 'ERR_TOKEN_RESPONSE_INVALID', { status: 200, body: '' }],
  ['200 with an array', 'ERR_TOKEN_RESPONSE_INVALID', json([])],
  ['200 with null', 'ERR_TOKEN_RESPONSE_INVALID', json(null)],
]

describe('a token response', () => {
  for (const [what, tokens] of Object.entries(PASSABLE)) accepts(what, { tokens })
  for (const [what, tokens] of Object.entries(SILLY)) rejects(what, { tokens }, 'ERR_TOKEN_RESPONSE_INVALID')
  for (const [what, code, reply] of REFUSED) rejects(what, { reply: { token: () => reply } }, code)
  rejects(
    'tokens in a body that is not JSON',
    answered(({ body }) => ({ body: body.slice(1) })),
    'ERR_TOKEN_RESPONSE_INVALID',
  )
  rejects(
    'a body that is only a token',
    answered(({ body }) => ({ body: (JSON.parse(body) as { access_token: string }).access_token })),
    'ERR_TOKEN_RESPONSE_INVALID',
  )
  rejects(
    'an error whose description contains tokens',
    answered(({ body }) => json({ error: 'invalid_grant', error_description: body }, 400)),
    'ERR_TOKEN_REQUEST_REFUSED',
  )
})

function answered(token: (usual: Reply) => Partial<Reply>): Spoil {
  return { reply: { token } }
}

function html(): Record<string, string> {
  return { 'content-type': 'text/html' }
}

function basicChallenge(): Record<string, string> {
  return { 'www-authenticate': 'Basic realm="token"' }
}
