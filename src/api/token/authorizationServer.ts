import type { CustomFetch } from 'openid-client'
import { RelyingPartyError } from '../../errors.js'
import type { VerifyingKey } from '../../jwt/jws.js'
import type { KeyCache } from '../../jwt/keyCache.js'
import type { KeyHeader, PublicKey } from '../../jwt/keySet.js'
import type { RemoteCache } from '../../jwt/remoteCache.js'
import { defined } from '../../lib/defined.js'
import { parseObject } from '../../lib/json.js'
import { quote } from '../../lib/quote.js'

/** The part of an authorization server's metadata that a resource server uses (RFC 8414 §2). */
interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly jwks_uri?: string
  readonly introspection_endpoint?: string
}

/** What all authorization servers of one resource server share. */
export interface AuthorizationServerServices {
  readonly fetch: CustomFetch
  readonly metadata: RemoteCache<AuthorizationServerMetadata>
  readonly keys: KeyCache
}

/** Finds the keys and endpoints of an issuer. No URL in a token is ever fetched. */
export class AuthorizationServer {
  readonly issuer: string
  readonly #services: AuthorizationServerServices
  readonly #jwksUri: string | undefined

  /** @param jwksUri - the URL of the keys, for an issuer without metadata */
  constructor(issuer: string, services: AuthorizationServerServices, jwksUri?: string) {
    this.issuer = issuer
    this.#services = services
    this.#jwksUri = jwksUri
  }

  /**
   * Finds the keys that fit a token's header, synchronously if they are cached.
   *
   * @param tried - keys that did not verify the token: only others are returned
   */
  keysFor(header: KeyHeader, tried?: readonly VerifyingKey[]): readonly PublicKey[] | Promise<readonly PublicKey[]> {
    if (this.#jwksUri !== undefined) return this.#services.keys.lookUp(this.#jwksUri, header, tried)
    const metadata = this.metadata()
    if (metadata instanceof Promise) return metadata.then((loaded) => this.#keysBy(loaded, header, tried))
    return this.#keysBy(metadata, header, tried)
  }

  /** Returns the metadata, fetching it unless it is cached and fresh. */
  metadata(): AuthorizationServerMetadata | Promise<AuthorizationServerMetadata> {
    return this.#services.metadata.get(this.issuer, () => this.#discover())
  }

  /** Returns the URL of an endpoint. @throws `ERR_METADATA_INVALID` */
  async endpoint(name: 'introspection_endpoint'): Promise<string> {
    return this.#url(await this.metadata(), name)
  }

  #keysBy(metadata: AuthorizationServerMetadata, header: KeyHeader, tried: readonly VerifyingKey[] | undefined) {
    return this.#services.keys.lookUp(this.#url(metadata, 'jwks_uri'), header, tried)
  }

  #url(metadata: AuthorizationServerMetadata, name: Exclude<keyof AuthorizationServerMetadata, 'issuer'>): string {
    const url = metadata[name]
    if (url !== undefined) return url
    throw new RelyingPartyError('ERR_METADATA_INVALID', `the metadata of ${this.issuer} has no usable ${name}`, {
      hint:
        name === 'jwks_uri'
          ? 'set jwksUri or keys of the issuer in resourceServer.issuer'
          : 'set resourceServer.introspection.endpoint',
    })
  }

  /**
   * Fetches the metadata from the path of OpenID Connect Discovery or, failing that, of RFC 8414.
   *
   * @see [OpenID Connect Discovery §4](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig)
   * @see [RFC 8414 §3](https://www.rfc-editor.org/rfc/rfc8414#section-3)
   */
  async #discover(): Promise<AuthorizationServerMetadata> {
    const { origin, pathname } = new URL(this.issuer)
    const path = pathname.replace(/\/$/, '')
    const urls = [
      `${origin}${path}/.well-known/openid-configuration`,
      `${origin}/.well-known/oauth-authorization-server${path}`,
    ]
    for (const url of urls) {
      const response = await this.#services.fetch(url, {
        method: 'GET',
        headers: { accept: 'application/json' },
        body: undefined,
        redirect: 'manual',
      })
      if (response.status === 200) return this.#parse(await response.text())
    }
    throw new RelyingPartyError('ERR_METADATA_INVALID', `no metadata of ${this.issuer} was found`, {
      hint:
        `neither ${urls.join(' nor ')} has any: check resourceServer.issuer, or set jwksUri or keys of an issuer ` +
        'without metadata',
    })
  }

  #parse(text: string): AuthorizationServerMetadata {
    const metadata = parseObject(text)
    if (!metadata)
      throw new RelyingPartyError('ERR_METADATA_INVALID', `the metadata of ${this.issuer} is not JSON`, {
        hint: 'check resourceServer.issuer, or set jwksUri or keys of an issuer without metadata',
      })
    if (metadata.issuer !== this.issuer) {
      throw new RelyingPartyError('ERR_METADATA_INVALID', `the metadata of ${this.issuer} names another issuer`, {
        cause: { claim: 'issuer', expected: this.issuer, actual: metadata.issuer },
        hint:
          `resourceServer.issuer is ${quote(this.issuer)}, issuer in the metadata is ${quote(metadata.issuer)}: use the ` +
          'second if it is the iss of your tokens, including a trailing slash; otherwise the address belongs to another issuer',
      })
    }
    const insecure = this.issuer.startsWith('http:')
    const { jwks_uri, introspection_endpoint } = metadata
    return {
      issuer: this.issuer,
      ...defined({
        jwks_uri: isUsable(jwks_uri, insecure) ? jwks_uri : undefined,
        introspection_endpoint: isUsable(introspection_endpoint, insecure) ? introspection_endpoint : undefined,
      }),
    }
  }
}

/** An `https` issuer must have `https` endpoints. */
function isUsable(url: unknown, insecure: boolean): url is string {
  return typeof url === 'string' && URL.canParse(url) && (url.startsWith('https:') || insecure)
}
