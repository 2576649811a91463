import { object } from '../lib/check.js'
import { parseObject } from '../lib/json.js'

/** The authorization request parameters that this package sets, each with its option, if any. */
const OWN_PARAMETERS: ReadonlyMap<string, string | undefined> = new Map([
  ['response_type', 'responseType'],
  ['response_mode', 'responseMode'],
  ['client_id', 'clientId'],
  ['redirect_uri', undefined],
  ['scope', 'scope'],
  ['state', undefined],
  ['nonce', undefined],
  ['code_challenge', undefined],
  ['code_challenge_method', undefined],
  ['prompt', 'prompt'],
  ['max_age', 'maxAge'],
  ['acr_values', 'acrValues'],
  ['login_hint', 'loginHint'],
  ['resource', 'resource'],
  ['request', undefined],
  ['request_uri', undefined],
])

/** Checks extra authorization parameters. Returns what is wrong with them, or `undefined`. */
export function checkAuthorizationParams(value: unknown): string | undefined {
  if (object(value)) return object(value)
  for (const [name, given] of Object.entries(value as object)) {
    if (OWN_PARAMETERS.has(name)) {
      const option = OWN_PARAMETERS.get(name)
      return `must not hold ${name}: ${option ? `use the option ${option}` : 'this package sets it for every login'}`
    }
    if (typeof given !== 'string') return `must hold strings only, and ${name} is not a string`
    if (name === 'claims' && !parseObject(given)) return 'must hold claims as a JSON object'
  }
  return undefined
}

/** The parameters of a logout URL that this package sets. */
const OWN_LOGOUT_PARAMETERS = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state']

/** Checks extra parameters of a logout URL. Returns what is wrong with them, or `undefined`. */
export function checkLogoutParams(value: unknown): string | undefined {
  if (object(value)) return object(value)
  for (const [name, given] of Object.entries(value as object)) {
    if (OWN_LOGOUT_PARAMETERS.includes(name)) return `must not hold ${name}: this package sets it for every logout`
    if (typeof given !== 'string') return `must hold strings only, and ${name} is not a string`
  }
  return undefined
}
