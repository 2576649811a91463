import { LRUCache } from 'lru-cache'
import { configurationError } from '../errors.js'
import type { Provider } from '../provider/provider.js'
import { canonicalPath, isSamePath, normalPath } from '../request/url.js'
import type { ProviderSource } from './providers.js'

/** The callback path of each provider, which distinguishes its responses from those of other providers. */
export interface Callbacks {
  /** The line of code that mounts `callback()`. */
  readonly mounting: string
  /** Returns the path of a provider's callback, including the path of `baseUrl`. */
  pathOf(provider: Provider): string
  /** Returns the `redirect_uri` of a provider. */
  redirectUri(provider: Provider): string
  /** Checks whether a path is `callbackPath`, a path below it, or that of a known provider. */
  has(path: string): boolean
  /** Checks whether responses may arrive at a path. If not, `callback()` is mounted at the wrong path. */
  mayBeAt(path: string): boolean
  /** Checks whether a provider shares its path with others, so that only `iss` distinguishes their responses. */
  isShared(provider: Provider): boolean
  /**
   * Checks that a response of this provider cannot be mistaken for one of another provider.
   *
   * @throws `ERR_CONFIGURATION`; `ERR_PROVIDER_UNAVAILABLE` and `ERR_METADATA_INVALID` with `sharedCallback`
   */
  assertDistinct(provider: Provider): Promise<void>
}

/** The options that {@link createCallbacks} needs. Paths include the path of `baseUrl`. */
interface CallbackSettings {
  readonly origin: string
  readonly basePath: string
  /** The option `callbackPath`. */
  readonly path: string
  /** Paths that are used for something else. */
  readonly taken: readonly string[]
  /** The option `sharedCallback`. */
  readonly shared: boolean
  /** The lifetime of a transaction. In seconds. */
  readonly lifetime: number
  readonly source: ProviderSource
}

/** The maximum number of callback paths remembered for a resolver function. */
const MAX_PATHS = 1000

/**
 * Creates {@link Callbacks}. With more than one provider, each issuer gets its own path. Otherwise a malicious provider
 * could redirect users to an honest one and receive the code that the honest one issues.
 *
 * @param fixed - the configured providers; none for a resolver function
 * @throws `ERR_CONFIGURATION`
 * @see [RFC 9700 §4.4.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.4.2)
 */
export function createCallbacks(settings: CallbackSettings, fixed: readonly Provider[]): Callbacks {
  const { origin, basePath, path, source } = settings
  const pathOf = ({ name, options, registration }: Provider): string => {
    if (options.callbackPath !== undefined) return basePath + options.callbackPath
    if (source === 'provider' || settings.shared) return path
    return `${path}/${source === 'resolver' ? (options.name ?? registration) : encodeURIComponent(name)}`
  }
  const isShared = (provider: Provider) =>
    settings.shared && source !== 'provider' && isSamePath(pathOf(provider), path)

  // A tenant may move to another issuer while the application runs. Its path is free again once the last login that used
  // it has expired.
  const lifetime = source === 'resolver' ? settings.lifetime * 1000 : Number.POSITIVE_INFINITY
  const owners = new LRUCache<string, { provider: Provider; until: number }>({
    max: source === 'resolver' ? MAX_PATHS : fixed.length + 1,
  })

  function claimPath(provider: Provider): void {
    const own = pathOf(provider)
    if (settings.taken.some((other) => isSamePath(own, other))) {
      throw configurationError(
        optionOf(provider),
        `is also loginPath or postLogoutPath (${own})`,
        'give each its own path',
      )
    }
    if (isShared(provider)) return
    const now = Date.now()
    const owner = owners.get(canonicalPath(own))
    if (owner && owner.until > now && owner.provider.issuerUrl !== provider.issuerUrl) {
      throw samePath(provider, owner.provider, own)
    }
    owners.set(canonicalPath(own), { provider, until: now + lifetime })
  }

  for (const provider of fixed) {
    claimPath(provider)
    if (isShared(provider) && provider.options.metadata) assertNamesIssuer(provider, provider.options.metadata)
  }
  const known = [path, ...fixed.map(pathOf)]
  const has = (at: string) =>
    isBelow(at, path) || known.some((one) => isSamePath(at, one)) || owners.has(canonicalPath(at))
  return {
    mounting: mountingAt(path, source === 'resolver' ? [`${path}/:provider`] : fixed.map(pathOf)),
    pathOf,
    redirectUri: (provider) => origin + pathOf(provider),
    has,
    mayBeAt: (at) => source === 'resolver' || has(at),
    isShared,
    async assertDistinct(provider) {
      if (source === 'resolver') claimPath(provider)
      if (isShared(provider)) assertNamesIssuer(provider, await provider.metadata())
    },
  }
}

/** Returns the line of code that mounts `callback()` at all paths, in Express 4 and 5. */
function mountingAt(path: string, paths: readonly string[]): string {
  if (paths.every((one) => isSamePath(one, path))) return `app.all('${path}', callback())`
  if (paths.every((one) => isBelow(one, path))) return `app.all('${path}/:provider', callback())`
  return `app.all([${paths.map((one) => `'${one}'`).join(', ')}], callback())`
}

function isBelow(path: string, parent: string): boolean {
  const above = `${normalPath(parent)}/`
  return above !== '/' && normalPath(path).startsWith(above)
}

/** `iss` protects only if every provider sends it: a response without it may come from any of them. */
function assertNamesIssuer(provider: Provider, metadata: Awaited<ReturnType<Provider['metadata']>>): void {
  if (metadata.authorization_response_iss_parameter_supported === true) return
  throw configurationError(
    'relyingParty.sharedCallback',
    `cannot be used with the provider ${provider.name}, which does not name itself in its responses ` +
      '(authorization_response_iss_parameter_supported, RFC 9207)',
    "remove sharedCallback and register each provider's own redirect_uri, or set callbackPath in this provider's options",
  )
}

function samePath(provider: Provider, owner: Provider, path: string): Error {
  return configurationError(
    optionOf(provider),
    `is the callback path of two issuers, ${owner.options.issuer} and ${provider.options.issuer} (${path})`,
    'give each provider its own path, so that the responses of one cannot be mistaken for those of the other; paths ' +
      'that differ only in case are the same',
  )
}

function optionOf({ name, options }: Provider): string {
  return `callbackPath of the provider ${options.name ?? name}`
}
