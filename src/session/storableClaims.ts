import type { Claims } from '../auth.js'
import { RelyingPartyError } from '../errors.js'
import { isTooDeep } from '../lib/json.js'

/**
 * Throws where the store would fail, which would look like an outage.
 *
 * @param hook - the option that returned the claims
 * @throws `ERR_CONFIGURATION`
 */
export function assertStorable(claims: Claims, hook: string): void {
  const problem = `${hook} returned claims that JSON cannot hold`
  try {
    JSON.stringify(claims)
  } catch (cause) {
    const hint = 'claims are stored as JSON, which has neither BigInt nor circular references: return plain values'
    throw new RelyingPartyError('ERR_CONFIGURATION', problem, { cause, hint })
  }
  if (!isTooDeep(claims)) return
  throw new RelyingPartyError('ERR_CONFIGURATION', problem, { hint: 'they are nested deeper than 99 levels' })
}
