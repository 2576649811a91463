import { configurationError } from '../errors.js'
import {
  assertOptions,
  boolean,
  callable,
  number,
  object,
  oneOf,
  path,
  requireOption,
  type Shape,
  secrets,
  string,
  whole,
} from '../lib/check.js'
import { defined } from '../lib/defined.js'
import { type HttpLimits, REFRESH_TIMEOUT, resolveHttp } from '../lib/http/httpOptions.js'
import { isLoopback } from '../lib/loopback.js'
import { createSealer, type Sealer } from '../lib/seal.js'
import { withoutTrailingSlashes } from '../lib/slashes.js'
import { type Pages, resolvePages } from '../pages/options.js'
import { createProviderServices } from '../provider/services.js'
import type { AuthStore } from '../records/authStore.js'
import { MAX_PER_SUBJECT } from '../records/subjectSessions.js'
import { type Callbacks, createCallbacks } from './callbacks.js'
import { createEmit, type Emit } from './emit.js'
import type { RelyingPartyOptions, SessionOptions, TransactionOptions } from './options.js'
import { createProviders, type Providers } from './providers.js'

/** Options that need no resolving, and stay absent if they are not set. */
type Hooks = Pick<RelyingPartyOptions, 'store' | 'scopeImplies' | 'onLogin' | 'onRefresh' | 'onLogout' | 'onError'>

/** Options that always have a value. */
type Defaulted = Required<Pick<RelyingPartyOptions, 'postLogoutUrls' | 'allowInsecureHttp' | 'clockTolerance'>>

/** {@link RelyingPartyOptions}, checked, defaulted and frozen: no option is read raw later. */
export interface Config extends Readonly<Hooks>, Readonly<Defaulted> {
  /** Scheme, host and port of `baseUrl`. */
  readonly origin: string
  /** The path of `baseUrl` without a trailing slash: empty at the root. */
  readonly basePath: string
  /** Whether `baseUrl` is https. */
  readonly secure: boolean
  readonly postLogoutRedirectUri: string
  /** Paths, each including the base path. */
  readonly paths: { readonly login: string; readonly callback: string; readonly postLogout: string }
  readonly sealer: Sealer
  readonly providers: Providers
  readonly callbacks: Callbacks
  readonly http: HttpLimits
  readonly session: Readonly<Required<SessionOptions>>
  readonly transactions: Readonly<Required<TransactionOptions>>
  readonly pages: Pages
  readonly emit: Emit
}

const YEAR = 31_536_000

const SHAPE: Shape<RelyingPartyOptions> = {
  baseUrl: string,
  secret: secrets,
  provider: (value) => (typeof value === 'function' ? undefined : object(value)),
  providers: object,
  callbackPath: path,
  sharedCallback: boolean,
  loginPath: path,
  postLogoutPath: path,
  postLogoutUrls: (value) =>
    Array.isArray(value) &&
    value.every((url) => typeof url === 'string' && /^https?:\/\//.test(url) && URL.canParse(url))
      ? undefined
      : 'must be an array of absolute URLs',
  allowInsecureHttp: boolean,
  clockTolerance: number('seconds', 0, 300),
  http: object,
  store: object,
  session: object,
  transactions: object,
  pages: object,
  scopeImplies: callable,
  onLogin: callable,
  onRefresh: callable,
  onLogout: callable,
  onError: callable,
  onEvent: callable,
}

const SESSION_SHAPE: Shape<SessionOptions> = {
  absoluteLifetime: number('seconds', 60, YEAR),
  refreshBefore: number('seconds', 0, 3600),
  refreshWait: number('seconds', 0.01, 60),
  refreshTimeout: number('seconds', 0.01, 120),
  maxRefreshes: whole('refreshes', 1, 500),
  refresh: oneOf('always', 'on-demand'),
  outageGrace: number('seconds', 0, 86_400),
  maxPerSubject: number('sessions', 1, MAX_PER_SUBJECT),
  key: (value) =>
    typeof value === 'string' && /^[A-Za-z_]\w*$/.test(value) && value !== 'cookie'
      ? undefined
      : 'must be a name such as auth, other than cookie',
}

const TRANSACTIONS_SHAPE: Shape<TransactionOptions> = {
  lifetime: number('seconds', 30, 3600),
  max: number('logins', 1, 30),
}

/** Every operation of an {@link AuthStore}. */
const STORE_OPERATIONS = ['get', 'set', 'add', 'replace', 'remove'] as const

/** Checks the options of `relyingParty` and fills in their defaults. @throws `ERR_CONFIGURATION` */
export function resolveConfig(options: RelyingPartyOptions): Config {
  assertOptions<RelyingPartyOptions>(options, 'relyingParty', SHAPE)
  requireOption(
    options,
    'relyingParty',
    'baseUrl',
    'write the address where users reach the application, such as https://app.example.com',
  )
  requireOption(options, 'relyingParty', 'secret', 'use the output of `openssl rand -base64 32`')
  const { isLoopback: baseUrlIsLoopback, ...base } = resolveBaseUrl(options)
  const paths = resolvePaths(options, base.basePath)
  const emit = createEmit(options.onEvent)
  const allowInsecureHttp = options.allowInsecureHttp ?? false
  const http = resolveHttp(options.http, 'relyingParty.http', allowInsecureHttp)
  const { clockTolerance = 30 } = options
  const services = createProviderServices(http, clockTolerance, {
    onDiscovered: (issuer) => emit({ type: 'provider.discovered', issuer }),
    onKeysFetched: (jwksUri, count) => emit({ type: 'keys.fetched', jwksUri, count }),
  })
  const providers = createProviders(options, services, {
    allowInsecureHttp,
    baseUrlIsSecure: base.secure,
    baseUrlIsLoopback,
    needsKeys: true,
  })
  const transactions = resolveTransactions(options.transactions)
  const callbacks = createCallbacks(
    {
      ...base,
      path: paths.callback,
      taken: [paths.login, paths.postLogout],
      shared: options.sharedCallback ?? false,
      lifetime: transactions.lifetime,
      source: providers.source,
    },
    providers.fixed,
  )
  return Object.freeze({
    ...base,
    postLogoutRedirectUri: base.origin + paths.postLogout,
    paths,
    postLogoutUrls: Object.freeze([...(options.postLogoutUrls ?? [])]),
    allowInsecureHttp,
    clockTolerance,
    sealer: createSealer([options.secret].flat()),
    providers,
    callbacks,
    http,
    session: resolveSession(options.session),
    transactions,
    pages: resolvePages(options.pages, {
      start: `${base.basePath}/`,
      login: paths.login,
      hasChoice: providers.fixed.length > 1,
    }),
    emit,
    ...defined({
      store: checkStore(options.store),
      scopeImplies: options.scopeImplies,
      onLogin: options.onLogin,
      onRefresh: options.onRefresh,
      onLogout: options.onLogout,
      onError: options.onError,
    }),
  })
}

function resolveBaseUrl({ baseUrl, allowInsecureHttp }: RelyingPartyOptions) {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw configurationError('relyingParty.baseUrl', 'has no scheme', `write https://${baseUrl.replace(/^\/+/, '')}`)
  }
  if (url.search || url.hash || url.username || url.password) {
    throw configurationError(
      'relyingParty.baseUrl',
      'has a query, fragment or user',
      `write ${url.origin}${url.pathname}`,
    )
  }
  const secure = url.protocol === 'https:'
  const loopback = isLoopback(url)
  if (!secure && !loopback && !allowInsecureHttp) {
    throw configurationError(
      'relyingParty.baseUrl',
      'uses http for a non-loopback host',
      `write https://${url.host}, the address users see, even if a proxy terminates TLS`,
    )
  }
  return { origin: url.origin, basePath: withoutTrailingSlashes(url.pathname), secure, isLoopback: loopback }
}

function resolvePaths(options: RelyingPartyOptions, basePath: string): Config['paths'] {
  const { callbackPath = '/callback', loginPath = '/login', postLogoutPath = '/' } = options
  for (const [name, given] of Object.entries({ callbackPath, loginPath, postLogoutPath })) {
    if (basePath && (given === basePath || given.startsWith(`${basePath}/`))) {
      const fix = `paths are relative to baseUrl: write ${given.slice(basePath.length) || '/'}`
      throw configurationError(`relyingParty.${name}`, 'repeats the path of baseUrl', fix)
    }
  }
  if (callbackPath === loginPath || callbackPath === postLogoutPath) {
    throw configurationError(
      'relyingParty.callbackPath',
      'is also loginPath or postLogoutPath',
      'give each its own path',
    )
  }
  return Object.freeze({
    login: basePath + loginPath,
    callback: basePath + callbackPath,
    postLogout: basePath + postLogoutPath,
  })
}

function resolveSession(options: SessionOptions = {}): Config['session'] {
  assertOptions<SessionOptions>(options, 'relyingParty.session', SESSION_SHAPE)
  const {
    absoluteLifetime = 604_800,
    refreshBefore = 60,
    refreshWait = 10,
    refreshTimeout = REFRESH_TIMEOUT,
    maxRefreshes = 20,
    refresh = 'always',
    outageGrace = 3600,
    maxPerSubject = MAX_PER_SUBJECT,
    key = 'auth',
  } = options
  return Object.freeze({
    absoluteLifetime,
    refreshBefore,
    refreshWait,
    refreshTimeout,
    maxRefreshes,
    refresh,
    outageGrace,
    maxPerSubject,
    key,
  })
}

function resolveTransactions(options: TransactionOptions = {}): Config['transactions'] {
  assertOptions<TransactionOptions>(options, 'relyingParty.transactions', TRANSACTIONS_SHAPE)
  const { lifetime = 600, max = 20 } = options
  return Object.freeze({ lifetime, max })
}

function checkStore(store: AuthStore | undefined): AuthStore | undefined {
  for (const operation of store ? STORE_OPERATIONS : []) {
    if (typeof store?.[operation] !== 'function') {
      throw configurationError(
        'relyingParty.store',
        `has no ${operation}()`,
        'pass an AuthStore, such as redisStore(client) from express-relying-party/redis',
      )
    }
  }
  return store
}
