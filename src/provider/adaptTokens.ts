import type { CustomFetch } from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { isObject } from '../lib/json.js'
import { createRedactor, secretsOf } from '../lib/redact.js'
import type { ProviderOptions } from './providerOptions.js'

/** The options with which a provider changes token requests and responses. */
export type Adapters = Partial<Pick<ProviderOptions, 'adaptTokenRequest' | 'adaptTokenResponse'>>

type Init = Parameters<CustomFetch>[1]

/**
 * Changes a token request to the form that the provider expects. The given one keeps the secrets that are redacted later.
 *
 * @throws `ERR_CONFIGURATION` if `adaptTokenRequest` fails
 */
export async function adaptRequest(
  { adaptTokenRequest }: Adapters,
  url: string,
  init: Init,
): Promise<{ url: string; init: Init }> {
  if (!adaptTokenRequest) return { url, init }
  const given = { url, headers: { ...init.headers }, body: new URLSearchParams(String(init.body)) }
  const adapted = await attempt('adaptTokenRequest', secretsOf(init), () => adaptTokenRequest(given))
  return { url: adapted.url, init: { ...init, headers: { ...adapted.headers }, body: adapted.body } }
}

/**
 * Changes the fields of a response of the token endpoint to those of RFC 6749.
 *
 * @param sent - the secrets of the request
 * @throws `ERR_CONFIGURATION` if `adaptTokenResponse` fails
 */
export async function adaptResponse(
  { adaptTokenResponse }: Adapters,
  fields: Readonly<Record<string, unknown>>,
  sent: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  if (!adaptTokenResponse) return fields
  const received = Object.values(fields).filter((value) => typeof value === 'string')
  return attempt('adaptTokenResponse', [...sent, ...received], () => adaptTokenResponse(fields))
}

/** Calls a function of the application. Its errors may quote the request or the response. */
async function attempt<T extends object>(
  name: keyof Adapters,
  secrets: readonly string[],
  call: () => T | Promise<T>,
): Promise<T> {
  const failed = (problem: string) =>
    new RelyingPartyError('ERR_CONFIGURATION', 'the token request cannot be adapted to the provider', {
      hint: `${name}, an option of the provider, ${createRedactor(secrets)(problem)}`,
    })
  let adapted: T
  try {
    adapted = await call()
  } catch (error) {
    if (error instanceof RelyingPartyError) throw error
    // A SyntaxError quotes a piece of what it could not parse.
    throw failed(error instanceof Error && !(error instanceof SyntaxError) ? `failed: ${error.message}` : 'failed')
  }
  if (isObject(adapted)) return adapted
  throw failed('returned no object')
}
