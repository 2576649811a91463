import { object } from '../lib/check.js'

/** The parameters of the authorization request that this package sets, and the option each comes from, if any. */
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

/** Says what is wrong with extra authorization parameters, or nothing. */
export function authorizationParamsProblem(value: unknown): string | undefined {
  if (object(value)) return object(value)
  for (const [name, given] of Object.entries(value as object)) {
    if (OWN_PARAMETERS.has(name)) {
      const option = OWN_PARAMETERS.get(name)
      return `must not hold ${name}: ${option ? `use the option ${option}` : 'this package sets it for every login'}`
    }
    if (typeof given !== 'string') return `must hold strings only, and ${name} is none`
    if (name === 'claims' && !isJsonObject(given)) return 'must hold claims as a JSON object'
  }
  return undefined
}

function isJsonObject(text: string): boolean {
  try {
    return object(JSON.parse(text)) === undefined
  } catch {
    return false
  }
}
