import type { Request } from 'express'
import { LRUCache } from 'lru-cache'
import { configurationError, RelyingPartyError } from '../errors.js'
import { Provider, type ProviderServices } from '../provider/provider.js'
import type { ProviderOptions } from '../provider/providerOptions.js'
import { type ProviderContext, resolveProviderOptions } from '../provider/resolveOptions.js'
import type { ProviderResolver, RelyingPartyOptions } from './options.js'

/** The providers of one relying party: one, several by name, or found for each request. */
export interface Providers {
  /** Chooses the provider of a login. @throws `ERR_UNKNOWN_PROVIDER` */
  choose(req: Request, name: string | undefined): Promise<Provider>
  /** Chooses the provider of a login that a third party initiated, by its issuer. @throws `ERR_UNKNOWN_PROVIDER` */
  chooseByIssuer(req: Request, issuer: string): Promise<Provider>
  /** Finds the provider that a login or session was begun with; `undefined` if it is no longer the same registration. */
  find(req: Request, name: string, registration: string): Promise<Provider | undefined>
  /** Finds the providers that have this issuer: one, or more where this application has several clients there. */
  ofIssuer(req: Request, issuer: string): Promise<Provider[]>
}

type Context = ProviderContext

/** How many resolved providers are kept for a resolver function. */
const MAX_RESOLVED = 1000

/** Creates {@link Providers} from `provider` or `providers`. @throws `ERR_CONFIGURATION` */
export function createProviders(
  { provider, providers }: RelyingPartyOptions,
  services: ProviderServices,
  context: Context,
): Providers {
  if ((provider === undefined) === (providers === undefined)) {
    throw configurationError('relyingParty.provider', 'and providers', 'write exactly one of the two')
  }
  if (typeof provider === 'function') return resolvedProviders(provider, services, context)
  const named = new Map<string, Provider>()
  const make = (name: string, options: ProviderOptions, path: string) =>
    named.set(name, new Provider(name, resolveProviderOptions(options, path, context), services))
  if (provider) make('default', provider, 'relyingParty.provider')
  for (const [name, options] of Object.entries(providers ?? {})) make(name, options, `relyingParty.providers.${name}`)
  if (named.size === 0) throw configurationError('relyingParty.providers', 'is empty', 'name at least one provider')
  return namedProviders(named)
}

function namedProviders(named: ReadonlyMap<string, Provider>): Providers {
  const [only] = named.size === 1 ? named.values() : []
  return {
    async choose(_req, name) {
      const chosen = name === undefined ? only : named.get(name)
      if (chosen) return chosen
      const known = [...named.keys()].join(', ')
      throw new RelyingPartyError(
        'ERR_UNKNOWN_PROVIDER',
        name === undefined ? `the login does not say which provider: one of ${known}` : `the providers are ${known}`,
      )
    },
    async chooseByIssuer(_req, issuer) {
      const [chosen] = [...named.values()].filter((provider) => provider.isNamed(issuer))
      if (chosen) return chosen
      throw unknownIssuer()
    },
    async find(_req, name, registration) {
      const found = named.get(name)
      return found?.registration === registration ? found : undefined
    },
    async ofIssuer(_req, issuer) {
      return [...named.values()].filter((provider) => provider.isNamed(issuer))
    },
  }
}

function resolvedProviders(resolve: ProviderResolver, services: ProviderServices, context: Context): Providers {
  const known = new LRUCache<string, Provider>({ max: MAX_RESOLVED })

  async function current(req: Request): Promise<Provider> {
    const options = await resolve(req)
    const key = JSON.stringify(options)
    let provider = known.get(key)
    if (!provider) {
      const resolved = resolveProviderOptions(options, 'the provider resolved for this request', {
        ...context,
        isResolved: true,
      })
      provider = new Provider(resolved.issuer, resolved, services)
      known.set(key, provider)
    }
    return provider
  }

  return {
    async choose(req, name) {
      const provider = await current(req)
      if (name === undefined || name === provider.name) return provider
      throw new RelyingPartyError('ERR_UNKNOWN_PROVIDER', 'the login names a provider, but each request has its own')
    },
    async chooseByIssuer(req, issuer) {
      const provider = await current(req)
      if (provider.isNamed(issuer)) return provider
      throw unknownIssuer()
    },
    async find(req, _name, registration) {
      const provider = await current(req)
      return provider.registration === registration ? provider : undefined
    },
    async ofIssuer(req, issuer) {
      const provider = await current(req)
      return provider.isNamed(issuer) ? [provider] : []
    },
  }
}

function unknownIssuer(): RelyingPartyError {
  return new RelyingPartyError('ERR_UNKNOWN_PROVIDER', 'the login was initiated for an issuer that is not configured')
}
