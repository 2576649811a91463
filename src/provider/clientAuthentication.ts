import * as openid from 'openid-client'
import { basicCredentials } from '../lib/basicCredentials.js'
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

function basic(secret: string | undefined): openid.ClientAuth {
  return (_server, { client_id }, _body, headers) => {
    headers.set('authorization', basicCredentials(client_id, secret ?? ''))
  }
}
