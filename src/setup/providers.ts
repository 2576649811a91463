import type { Request } from 'express'
import { LRUCache } from 'lru-cache'
import { configurationError, RelyingPartyError } from '../errors.js'
import { defined } from '../lib/defined.js'
import { fitsIssuer } from '../provider/issuers.js'
import { issuerUrl, Provider, type ProviderServices } from '../provider/provider.js'
import type { ProviderOptions } from '../provider/providerOptions.js'
import { type ProviderContext, resolveProviderOptions } from '../provider/resolveOptions.js'
import type { ProviderHint, ProviderResolver, RelyingPartyOptions } from './options.js'

/** Where providers come from: the options `provider` or `providers`, or a function that returns them. */
export type ProviderSource = 'provider' | 'providers' | 'resolver'

/** The providers of one relying party: one, several by name, or one per request. */
export interface Providers {
  readonly source: ProviderSource
  /** The configured providers; none for a resolver function. */
  readonly fixed: readonly Provider[]
  /** Chooses the provider of a login. @throws `ERR_UNKNOWN_PROVIDER` */
  choose(req: Request, name: string | undefined): Promise<Provider>
  /** Chooses the provider of a third-party-initiated login by its issuer. @throws `ERR_UNKNOWN_PROVIDER` */
  chooseByIssuer(req: Request, issuer: string): Promise<Provider>
  /** Finds the provider of a session; `undefined` if the request now has another registration. */
  find(req: Request, name: string, registration: string): Promise<Provider | undefined>
  /**
   * Finds the provider of a login in progress by the name and registration in its transaction. The response may come
   * without the session's cookie.
   */
  findForResponse(req: Request, name: string, registration: string): Promise<Provider | undefined>
  /**
   * Finds the providers with this issuer: more than one if the application has several clients there.
   *
   * @param clientIds - the clients concerned, if known
   */
  ofIssuer(req: Request, issuer: string, clientIds?: readonly string[]): Promise<Provider[]>
}

/** The maximum number of providers kept for a resolver function. */
const MAX_RESOLVED = 1000

/** Creates {@link Providers} from `provider` or `providers`. @throws `ERR_CONFIGURATION` */
export function createProviders(
  { provider, providers }: RelyingPartyOptions,
  services: ProviderServices,
  context: ProviderContext,
): Providers {
  if ((provider === undefined) === (providers === undefined)) {
    throw configurationError(
      'relyingParty.provider',
      provider === undefined ? 'is missing, and so is providers' : 'and providers are both set',
      'set exactly one of the two',
    )
  }
  if (typeof provider === 'function') return resolvedProviders(provider, services, context)
  const named = new Map<string, Provider>()
  const make = (name: string, options: ProviderOptions, path: string) => {
    const resolved = resolveProviderOptions(options, path, context)
    if (resolved.name !== undefined) {
      throw configurationError(
        `${path}.name`,
        'is only for providers that a function returns',
        "remove it; a provider's name is its key in providers",
      )
    }
    named.set(name, new Provider(name, resolved, services))
  }
  if (provider) make('default', provider, 'relyingParty.provider')
  for (const [name, options] of Object.entries(providers ?? {})) {
    if (!isPathSegment(name)) {
      throw configurationError(`relyingParty.providers.${name}`, 'cannot be part of a path', 'choose another name')
    }
    make(name, options, `relyingParty.providers.${name}`)
  }
  if (named.size === 0) throw configurationError('relyingParty.providers', 'is empty', 'add at least one provider')
  return namedProviders(named, provider ? 'provider' : 'providers')
}

/** Checks whether a name can be one segment of a path, percent-encoded if necessary. */
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
      const problem = name === undefined ? 'no provider was chosen for this login' : 'the chosen provider is unknown'
      throw new RelyingPartyError('ERR_UNKNOWN_PROVIDER', problem, {
        hint: `pass login({ provider }), or link to the login with ?provider=; the names are ${known}`,
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

/** Creates the functions that find the providers a resolver function returns, now or before. */
function createSearch(resolve: ProviderResolver, services: ProviderServices, context: ProviderContext) {
  const known = new LRUCache<string, Provider>({ max: MAX_RESOLVED })

  async function resolveFor(req: Request, hint?: ProviderHint): Promise<Provider> {
    const options = await resolve(req, hint)
    const key = JSON.stringify(options)
    let provider = known.get(key)
    // JSON omits functions, such as `clientSecret` and `profile`, which may belong to another tenant.
    if (!provider || !hasSameFunctions(provider.options, options)) {
      const resolved = resolveProviderOptions(options, 'the provider returned for this request', {
        ...context,
        isResolved: true,
      })
      provider = new Provider(resolved.name ?? resolved.issuer, resolved, services)
      known.set(key, provider)
    }
    return provider
  }

  /**
   * Finds providers for a request that may come without the session's cookie. The function comes first, since it knows the
   * current options. If it depends on the session, the providers that it returned before count.
   */
  async function search(req: Request, hint: ProviderHint, isWanted: (one: Provider) => boolean): Promise<Provider[]> {
    const kept = [...known.values()].filter(isWanted)
    const current = await resolveFor(req, hint).catch((error: unknown) => {
      if (kept.length === 0) throw error
    })
    const found = current && isWanted(current) ? [current, ...kept] : kept
    // The same registration may have been returned with several options: the most recent come first.
    return found.filter(({ registration }, i) => found.findIndex((one) => one.registration === registration) === i)
  }

  return { resolveFor, search }
}

/** Compares every option that is a function in either of the two. */
function hasSameFunctions(known: Provider['options'], options: ProviderOptions): boolean {
  const [held, given]: Readonly<Record<string, unknown>>[] = [{ ...known }, { ...options }]
  const names = Object.keys({ ...held, ...given })
  const isFunction = (value: unknown) => typeof value === 'function'
  return names.every((name) => held?.[name] === given?.[name] || ![held?.[name], given?.[name]].some(isFunction))
}

function resolvedProviders(resolve: ProviderResolver, services: ProviderServices, context: ProviderContext): Providers {
  const { resolveFor, search } = createSearch(resolve, services, context)
  return {
    source: 'resolver',
    fixed: [],
    async choose(req, name) {
      const provider = await resolveFor(req)
      if (name === undefined || name === provider.name) return provider
      throw new RelyingPartyError('ERR_UNKNOWN_PROVIDER', 'the chosen provider is unknown', {
        hint: 'relyingParty.provider, a function, returned a provider of another name: link to the login without ?provider=',
      })
    },
    async chooseByIssuer(req, issuer) {
      const provider = await resolveFor(req, { issuer })
      if (provider.isNamed(issuer)) return provider
      throw unknownIssuer()
    },
    async find(req, _name, registration) {
      const provider = await resolveFor(req)
      return provider.registration === registration ? provider : undefined
    },
    async findForResponse(req, name, registration) {
      const isWanted = (one: Provider) => one.name === name && one.registration === registration
      const [found] = await search(req, { name }, isWanted)
      return found
    },
    async ofIssuer(req, issuer, clientIds) {
      const href = issuerUrl(issuer)
      return search(
        req,
        defined({ issuer, clientIds }),
        (one) => one.issuerUrl === href || fitsIssuer(one.options, issuer),
      )
    },
  }
}

/** Parses the issuer only once, however many providers there are: it comes from outside. */
function withIssuer(providers: readonly Provider[], issuer: string): Provider[] {
  const href = issuerUrl(issuer)
  return providers.filter((provider) => provider.issuerUrl === href || fitsIssuer(provider.options, issuer))
}

function unknownIssuer(): RelyingPartyError {
  return new RelyingPartyError('ERR_UNKNOWN_PROVIDER', 'the login is for an unknown provider', {
    hint: 'iss is not the issuer of a configured provider: compare it with the issuer options, including a trailing slash',
  })
}
