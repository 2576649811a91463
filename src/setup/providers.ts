import type { Request } from 'express'
import { LRUCache } from 'lru-cache'
import { configurationError, RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import { issuerUrl, Provider, type ProviderServices } from '../provider/provider.js'
import type { ProviderOptions } from '../provider/providerOptions.js'
import { type ProviderContext, resolveProviderOptions } from '../provider/resolveOptions.js'
import type { ProviderHint, ProviderResolver, RelyingPartyOptions } from './options.js'

/** The providers of one relying party: one, several by name, or found for each request. */
export interface Providers {
  /** Where the providers come from. */
  readonly source: 'provider' | 'providers' | 'resolver'
  /** The providers, unless a function finds them. */
  readonly fixed: readonly Provider[]
  /** Chooses the provider of a login. @throws `ERR_UNKNOWN_PROVIDER` */
  choose(req: Request, name: string | undefined): Promise<Provider>
  /** Chooses the provider of a login that a third party initiated, by its issuer. @throws `ERR_UNKNOWN_PROVIDER` */
  chooseByIssuer(req: Request, issuer: string): Promise<Provider>
  /** Finds the provider of a session; `undefined` if this request's is no longer the same registration. */
  find(req: Request, name: string, registration: string): Promise<Provider | undefined>
  /**
   * Finds the provider that a login was begun with, by the name and registration in its transaction: the response may
   * come without the session's cookie.
   */
  findForResponse(req: Request, name: string, registration: string): Promise<Provider | undefined>
  /**
   * Finds the providers that have this issuer: one, or more where this application has several clients there.
   *
   * @param clientIds - the clients that are meant, where they are known
   */
  ofIssuer(req: Request, issuer: string, clientIds?: readonly string[]): Promise<Provider[]>
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
  const make = (name: string, options: ProviderOptions, path: string) => {
    const resolved = resolveProviderOptions(options, path, context)
    if (resolved.name !== undefined) {
      throw configurationError(
        `${path}.name`,
        'is for providers that a function finds',
        'name it by its key in providers',
      )
    }
    named.set(name, new Provider(name, resolved, services))
  }
  if (provider) make('default', provider, 'relyingParty.provider')
  for (const [name, options] of Object.entries(providers ?? {})) {
    if (!isPathSegment(name)) {
      throw configurationError(`relyingParty.providers.${name}`, 'cannot be part of a path', 'give it another name')
    }
    make(name, options, `relyingParty.providers.${name}`)
  }
  if (named.size === 0) throw configurationError('relyingParty.providers', 'is empty', 'name at least one provider')
  return namedProviders(named, provider ? 'provider' : 'providers')
}

/** Whether a name can be one segment of a path, percent-encoded if need be. */
function isPathSegment(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/\p{Surrogate}/u.test(name)
}

function namedProviders(named: ReadonlyMap<string, Provider>, source: Providers['source']): Providers {
  const fixed = [...named.values()]
  const [only] = named.size === 1 ? fixed : []
  const find: Providers['find'] = async (_req, name, registration) => {
    const found = named.get(name)
    return found?.registration === registration ? found : undefined
  }
  return {
    source,
    fixed,
    async choose(_req, name) {
      const chosen = name === undefined ? only : named.get(name)
      if (chosen) return chosen
      const known = [...named.keys()].join(', ')
      const problem = name === undefined ? 'no provider was chosen for this login' : 'this provider is not known'
      throw new RelyingPartyError('ERR_UNKNOWN_PROVIDER', problem, {
        hint: `pass login({ provider }), or link to the login with ?provider=: the names are ${known}`,
      })
    },
    async chooseByIssuer(_req, issuer) {
      const [chosen] = withIssuer(fixed, issuer)
      if (chosen) return chosen
      throw unknownIssuer()
    },
    find,
    findForResponse: find,
    async ofIssuer(_req, issuer) {
      return withIssuer(fixed, issuer)
    },
  }
}

function resolvedProviders(resolve: ProviderResolver, services: ProviderServices, context: Context): Providers {
  const known = new LRUCache<string, Provider>({ max: MAX_RESOLVED })

  async function ask(req: Request, hint?: ProviderHint): Promise<Provider> {
    const options = await resolve(req, hint)
    const key = JSON.stringify(options)
    let provider = known.get(key)
    if (!provider) {
      const resolved = resolveProviderOptions(options, 'the provider resolved for this request', {
        ...context,
        isResolved: true,
      })
      provider = new Provider(resolved.name ?? resolved.issuer, resolved, services)
      known.set(key, provider)
    }
    return provider
  }

  /**
   * Finds providers for a request that may come without the session's cookie. The function is asked first, for it knows
   * the options of today. Where it goes by the session, those count that it found lately.
   */
  async function search(req: Request, hint: ProviderHint, isWanted: (one: Provider) => boolean): Promise<Provider[]> {
    const kept = [...known.values()].filter(isWanted)
    const asked = await ask(req, hint).catch((error: unknown) => {
      if (kept.length === 0) throw error
    })
    const found = asked && isWanted(asked) ? [asked, ...kept] : kept
    // Of one registration that was found with several options, those found last.
    return found.filter(({ registration }, i) => found.findIndex((one) => one.registration === registration) === i)
  }

  return {
    source: 'resolver',
    fixed: [],
    async choose(req, name) {
      const provider = await ask(req)
      if (name === undefined || name === provider.name) return provider
      throw new RelyingPartyError('ERR_UNKNOWN_PROVIDER', 'this provider is not known', {
        hint: 'a resolver finds the provider of each request: link to the login without a provider',
      })
    },
    async chooseByIssuer(req, issuer) {
      const provider = await ask(req, { issuer })
      if (provider.isNamed(issuer)) return provider
      throw unknownIssuer()
    },
    async find(req, _name, registration) {
      const provider = await ask(req)
      return provider.registration === registration ? provider : undefined
    },
    async findForResponse(req, name, registration) {
      const isWanted = (one: Provider) => one.name === name && one.registration === registration
      const [found] = await search(req, { name }, isWanted)
      return found
    },
    async ofIssuer(req, issuer, clientIds) {
      const href = issuerUrl(issuer)
      return search(req, defined({ issuer, clientIds }), (one) => one.issuerUrl === href)
    },
  }
}

/** Parses the issuer once, however many providers there are: it comes from outside. */
function withIssuer(providers: readonly Provider[], issuer: string): Provider[] {
  const href = issuerUrl(issuer)
  return providers.filter((provider) => provider.issuerUrl === href)
}

function unknownIssuer(): RelyingPartyError {
  return new RelyingPartyError('ERR_UNKNOWN_PROVIDER', 'the login was started for a provider that is not known', {
    hint: 'iss of the initiation is the issuer of none of the configured providers',
  })
}
