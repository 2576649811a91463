import { LRUCache } from 'lru-cache'
import { configurationError } from '../errors.js'
import type { Provider } from '../provider/provider.js'
import { isSamePath, normalPath } from '../request/url.js'

/** Where each provider sends users back to, and what tells its responses from those of others. */
export interface Callbacks {
  /** How to mount `callback()`, as a line of code. */
  readonly mounting: string
  /** Returns the path of a provider's callback, with the path of `baseUrl` before it. */
  pathOf(provider: Provider): string
  /** Returns the `redirect_uri` of a provider. */
  redirectUri(provider: Provider): string
  /** Checks whether a path is `callbackPath`, one below it, or that of a provider which is known. */
  has(path: string): boolean
  /** Checks whether a response may arrive at a path. Where it may not, `callback()` is mounted at the wrong one. */
  mayBeAt(path: string): boolean
  /** Checks whether responses of several providers arrive at a provider's path, so that only `iss` tells them apart. */
  isShared(provider: Provider): boolean
  /**
   * Checks that the response to a login at a provider cannot be taken for a response of another one.
   *
   * @throws `ERR_CONFIGURATION`; `ERR_PROVIDER_UNAVAILABLE` and `ERR_METADATA_INVALID` with `sharedCallback`
   */
  assertDistinct(provider: Provider): Promise<void>
}

/** What {@link createCallbacks} takes from the options. Paths have the path of `baseUrl` before them. */
export interface CallbackSettings {
  readonly origin: string
  readonly basePath: string
  /** The path of `callbackPath`. */
  readonly path: string
  /** The paths that belong to something else. */
  readonly taken: readonly string[]
  /** The option `sharedCallback`. */
  readonly shared: boolean
  /** How long a login may take. In seconds. */
  readonly lifetime: number
  /** Where providers come from: `provider`, `providers`, or a function. */
  readonly source: 'provider' | 'providers' | 'resolver'
}

/** How many callback paths of resolved providers are remembered. */
const MAX_PATHS = 1000

/**
 * Creates {@link Callbacks}. With more than one provider each issuer has a path of its own. Otherwise a malicious provider
 * could send users on to an honest one, and would be brought the honest one's code.
 *
 * @param fixed - the providers, unless a function finds them
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

  // A tenant may move to another issuer while the application runs, so that a path is free again once no login that
  // began before can come back to it.
  const lifetime = source === 'resolver' ? settings.lifetime * 1000 : Number.POSITIVE_INFINITY
  const owners = new LRUCache<string, { provider: Provider; until: number }>({
    max: source === 'resolver' ? MAX_PATHS : fixed.length + 1,
  })

  function claimPath(provider: Provider): void {
    const own = pathOf(provider)
    if (settings.taken.some((other) => isSamePath(own, other))) {
      throw configurationError(optionOf(provider), `is also the path of something else (${own})`, 'give each its own')
    }
    if (isShared(provider)) return
    const now = Date.now()
    const owner = owners.get(normalPath(own))
    if (owner && owner.until > now && owner.provider.issuerUrl !== provider.issuerUrl) {
      throw samePath(provider, owner.provider, own)
    }
    owners.set(normalPath(own), { provider, until: now + lifetime })
  }

  for (const provider of fixed) {
    claimPath(provider)
    if (isShared(provider) && provider.options.metadata) assertNamesIssuer(provider, provider.options.metadata)
  }
  const known = [path, ...fixed.map(pathOf)]
  const has = (at: string) =>
    isBelow(at, path) || known.some((one) => isSamePath(at, one)) || owners.has(normalPath(at))
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

/** A line that mounts `callback()` at all paths, in Express 4 and 5. */
function mountingAt(path: string, paths: readonly string[]): string {
  if (paths.every((one) => isSamePath(one, path))) return `app.all('${path}', callback())`
  if (paths.every((one) => isBelow(one, path))) return `app.all('${path}/:provider', callback())`
  return `app.all([${paths.map((one) => `'${one}'`).join(', ')}], callback())`
}

function isBelow(path: string, parent: string): boolean {
  const above = `${normalPath(parent)}/`
  return above !== '/' && normalPath(path).startsWith(above)
}

/** `iss` counts only where every provider sends it: a response without it may come from any. */
function assertNamesIssuer(provider: Provider, metadata: Awaited<ReturnType<Provider['metadata']>>): void {
  if (metadata.authorization_response_iss_parameter_supported === true) return
  throw configurationError(
    'relyingParty.sharedCallback',
    `cannot be used with the provider ${provider.name}, which does not name itself in its responses ` +
      '(authorization_response_iss_parameter_supported, RFC 9207)',
    'take sharedCallback out, and register the redirect_uri that each provider then has; or write a callbackPath of ' +
      'its own in the options of this provider',
  )
}

function samePath(provider: Provider, owner: Provider, path: string): Error {
  return configurationError(
    optionOf(provider),
    `is the path of two issuers, ${owner.options.issuer} and ${provider.options.issuer} (${path})`,
    'give each provider a path of its own, so that the response of one cannot be taken for that of the other; paths ' +
      'that differ in case only are the same',
  )
}

function optionOf({ name, options }: Provider): string {
  return `callbackPath of the provider ${options.name ?? name}`
}
