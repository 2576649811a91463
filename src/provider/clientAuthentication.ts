import * as openid from 'openid-client'
import type { ClientAuth } from './providerOptions.js'

/**
 * Returns how openid-client authenticates this application. Unless `clientAuth` is set, the secret is sent in the body only
 * if the provider does not accept it in the header.
 *
 * @param secret - returns the client secret for each request
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)
 */
export function clientAuthentication(
  clientAuth: ClientAuth | undefined,
  { token_endpoint_auth_methods_supported: supported }: openid.ServerMetadata,
  secret: () => Promise<string | undefined>,
): openid.ClientAuth {
  const methods = Array.isArray(supported) ? supported : []
  const onlyPost = methods.includes('client_secret_post') && !methods.includes('client_secret_basic')
  const method = clientAuth ?? (onlyPost ? 'client_secret_post' : 'client_secret_basic')
  if (method === 'none') return openid.None()
  const create = method === 'client_secret_post' ? openid.ClientSecretPost : basic
  const authenticate = async (...request: Parameters<openid.ClientAuth>) => create(await secret())(...request)
  // It is awaited, although its type returns nothing.
  return authenticate as openid.ClientAuth
}

/**
 * Sends the credentials in the header, encoded as in a form. Unlike openid-client, it leaves `-`, `_` and `.` as they are:
 * they decode to the same, and are part of many identifiers and secrets at providers that do not decode them.
 */
function basic(secret: string | undefined): openid.ClientAuth {
  return (_server, { client_id }, _body, headers) => {
    const credentials = `${formEncode(client_id)}:${formEncode(secret ?? '')}`
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`)
  }
}

function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1)
}
