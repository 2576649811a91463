import { createHash } from 'node:crypto'
import * as openid from 'openid-client'
import { RelyingPartyError } from '../errors.js'
import { type KeySource, secretKey } from '../jwt/jws.js'
import type { KeyCache } from '../jwt/keyCache.js'
import type { RemoteCache } from '../jwt/remoteCache.js'
import { assertOpenid } from '../lib/check.js'
import type { ProviderFetch } from '../lib/http/fetch.js'
import type { SendOptions } from '../lib/http/httpOptions.js'
import { toList } from '../lib/list.js'
import { clientAuthentication } from './clientAuthentication.js'
import { discoveryError, otherIssuer } from './discoveryError.js'
import { type ExpectedIssuers, expectedIssuers, fitsIssuer } from './issuers.js'
import type { ResolvedProviderOptions } from './resolveOptions.js'
import { withStandardResponses } from './responses.js'
import type { ErrorContext } from './translate.js'

/** The longest untrusted issuer identifier that is compared. In characters. */
const MAX_ISSUER = 2048

/**
 * Normalizes an issuer identifier for comparison. Returns `undefined` if it is not a URL.
 *
 * Issuers are compared as URLs, as in discovery: that of a bare host may be configured without the provider's trailing
 * slash. Signed values are compared exactly, later.
 */
export function issuerUrl(issuer: string): string | undefined {
  return issuer.length <= MAX_ISSUER && URL.canParse(issuer) ? new URL(issuer).href : undefined
}

/** Services that all providers of one relying party share. */
export interface ProviderServices {
  readonly fetch: ProviderFetch
  readonly metadata: RemoteCache<openid.ServerMetadata>
  readonly keys: KeyCache
  /** In seconds. */
  readonly clockTolerance: number
  /** In seconds. */
  readonly timeout: number
  readonly onDiscovered: (issuer: string) => void
}

/** One provider as this application is registered there: its options, metadata, keys and openid-client configuration. */
export class Provider {
  /** The name in `providers`, or `default`. */
  readonly name: string
  readonly options: ResolvedProviderOptions
  /** Identifies the registration: the same for the same issuer and client identifier, whatever the name. */
  readonly registration: string
  /** The issuer identifier in the form in which {@link issuerUrl} compares them. */
  readonly issuerUrl: string
  readonly #services: ProviderServices
  readonly #fetch: ProviderFetch
  #clockDifference: number | undefined
  /** The secret that was used last, if `clientSecret` is a function. */
  #secret: string | undefined
  #configured: { metadata: openid.ServerMetadata; configuration: openid.Configuration } | undefined

  constructor(name: string, options: ResolvedProviderOptions, services: ProviderServices) {
    this.name = name
    this.options = options
    this.registration = createHash('sha256')
      .update(`${options.issuer}\0${options.clientId}`)
      .digest('base64url')
      .slice(0, 16)
    this.issuerUrl = new URL(options.issuer).href
    this.#services = services
    this.#fetch = async (url, init, options) => {
      const response = await services.fetch(url, init, options)
      const date = Date.parse(response.headers.get('date') ?? '')
      if (!Number.isNaN(date)) this.#clockDifference = (date - Date.now()) / 1000
      return response
    }
  }

  /** Returns this registration at another issuer, with the metadata and keys of that one. */
  withIssuer(issuer: string): Provider {
    const { metadata: _metadata, metadataUrl: _metadataUrl, ...options } = this.options
    return new Provider(
      this.name,
      { ...options, issuer, protocol: 'openid' } as ResolvedProviderOptions,
      this.#services,
    )
  }

  /** Sends a request to an API of the provider, with the limits of all requests. @throws `ERR_PROVIDER_UNAVAILABLE` */
  request(url: string, init: { method: string; headers: Headers; body?: RequestInit['body'] }): Promise<Response> {
    this.#assertTls(url, 'the URL of a request')
    const headers = Object.fromEntries(init.headers)
    return this.#fetch(url, { method: init.method, headers, body: init.body as openid.FetchBody, redirect: 'manual' })
  }

  /** Checks whether an issuer identifier names this provider. */
  isNamed(issuer: string): boolean {
    return issuerUrl(issuer) === this.issuerUrl || fitsIssuer(this.options, issuer)
  }

  /** Returns what the `iss` of ID tokens and authorization responses is compared with, after discovery. */
  async issuers(): Promise<ExpectedIssuers> {
    const { issuer } = await this.metadata()
    return expectedIssuers({ ...this.options, issuer })
  }

  /** Whether an ID token proves who the user is. Otherwise `profile` does. */
  get hasIdTokens(): boolean {
    return this.options.protocol === 'openid'
  }

  /** Returns the client secret, calling the option `clientSecret` if it is a function. @throws `ERR_CONFIGURATION` */
  async clientSecret(): Promise<string | undefined> {
    const { clientSecret } = this.options
    if (typeof clientSecret !== 'function') return clientSecret
    let secret: unknown
    try {
      secret = await clientSecret()
    } catch (cause) {
      throw new RelyingPartyError('ERR_CONFIGURATION', 'the client secret cannot be created', {
        cause,
        hint: `clientSecret of the provider ${this.name}, a function, failed: see cause`,
      })
    }
    if (typeof secret === 'string' && secret !== '') {
      this.#secret = secret
      return secret
    }
    throw new RelyingPartyError('ERR_CONFIGURATION', 'the client secret is not a string', {
      hint: `clientSecret of the provider ${this.name}, a function, must return a non-empty string`,
    })
  }

  /**
   * Returns the `scope` to request: that of a route's option if set, otherwise that of the provider.
   *
   * @param route - the middleware of a login, for errors; absent if no user signs in
   * @throws `ERR_CONFIGURATION` if an OpenID Provider would not be asked for an ID token
   */
  scopeFor(option: string | readonly string[] | undefined, route?: string): string {
    if (route !== undefined && this.hasIdTokens) assertOpenid(option, route)
    return option === undefined ? this.options.scope : toList(option).join(' ')
  }

  /** In seconds. */
  get clockTolerance(): number {
    return this.#services.clockTolerance
  }

  /** Returns what is needed to explain errors of this provider. @param sent - the secrets that were sent to it */
  errorContext(...sent: readonly (string | undefined)[]): ErrorContext {
    const { clientSecret } = this.options
    const secret = typeof clientSecret === 'function' ? this.#secret : clientSecret
    return { secrets: [...sent, secret], clockDifference: this.#clockDifference }
  }

  /** Returns the provider's metadata. Discovers it unless a recent copy is cached. */
  async metadata(): Promise<openid.ServerMetadata> {
    if (this.options.metadata) return this.options.metadata
    const { issuer, metadataUrl, protocol } = this.options
    // Whether metadata is acceptable depends on all three.
    const key = metadataUrl === undefined && protocol === 'openid' ? issuer : `${protocol} ${issuer} ${metadataUrl}`
    return this.#services.metadata.get(key, () => this.#discover())
  }

  /**
   * Returns openid-client's configuration for this provider. It is rebuilt when the metadata changes.
   *
   * @param sending - how its requests differ from others, if they do: the configuration is then only for them
   */
  async configuration(sending?: SendOptions): Promise<openid.Configuration> {
    const metadata = await this.metadata()
    if (sending) return this.#configure(metadata, (url, init) => this.#fetch(url, init, sending))
    if (this.#configured?.metadata !== metadata) {
      this.#configured = { metadata, configuration: this.#configure(metadata, this.#fetch) }
    }
    return this.#configured.configuration
  }

  /** Finds the keys that fit a token of this provider: for HMAC, the client secret. */
  readonly keySource: KeySource = async (header, tried) => {
    if (header.alg.startsWith('HS')) {
      const secret = tried ? undefined : await this.clientSecret()
      return secret === undefined ? [] : [secretKey(secret)]
    }
    const { jwks_uri } = await this.metadata()
    if (typeof jwks_uri !== 'string' || !URL.canParse(jwks_uri)) {
      throw new RelyingPartyError('ERR_METADATA_INVALID', `the metadata of ${this.options.issuer} has no jwks_uri`, {
        hint: 'its signatures cannot be verified without keys: check issuer, or set jwks_uri in the option metadata',
      })
    }
    this.#assertTls(jwks_uri, 'jwks_uri')
    return this.#services.keys.find(jwks_uri, header, tried)
  }

  #assertTls(url: string, name: string): void {
    if (this.options.insecure || url.startsWith('https:')) return
    throw new RelyingPartyError('ERR_METADATA_INVALID', `${name} of ${this.options.issuer} is not an https URL`, {
      hint: 'an https issuer must have https endpoints: correct its metadata, or the option metadata',
    })
  }

  async #discover(): Promise<openid.ServerMetadata> {
    const { issuer, metadataUrl, clientId, insecure } = this.options
    try {
      const configuration = await openid.discovery(new URL(metadataUrl ?? issuer), clientId, undefined, openid.None(), {
        algorithm: this.hasIdTokens ? 'oidc' : 'oauth2',
        [openid.customFetch]: this.#fetch,
        timeout: this.#services.timeout,
        ...(insecure ? { execute: [openid.allowInsecureRequests] } : {}),
      })
      const metadata = configuration.serverMetadata()
      // openid-client compares the issuer only with a URL that it built from it.
      if (metadataUrl !== undefined && metadata.issuer !== issuer) throw otherIssuer(metadata.issuer, issuer)
      this.#services.onDiscovered(issuer)
      return metadata
    } catch (error) {
      throw discoveryError(error, issuer, metadataUrl)
    }
  }

  #configure(metadata: openid.ServerMetadata, fetch: openid.CustomFetch): openid.Configuration {
    const { clientId, idTokenSigningAlg, insecure } = this.options
    const configuration = new openid.Configuration(
      metadata,
      clientId,
      { id_token_signed_response_alg: idTokenSigningAlg, [openid.clockTolerance]: this.clockTolerance },
      clientAuthentication(this.options.clientAuth, metadata, () => this.clientSecret()),
    )
    configuration[openid.customFetch] = withStandardResponses(fetch, { ...this.options, ...metadata })
    configuration.timeout = 0 // `fetch` has its own
    if (insecure) openid.allowInsecureRequests(configuration)
    return configuration
  }
}
