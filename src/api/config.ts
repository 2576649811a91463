import { createDecoder } from '../jwt/jws.js'
import { KeyCache } from '../jwt/keyCache.js'
import { DEFAULT_FRESHNESS, type Freshness, RemoteCache } from '../jwt/remoteCache.js'
import {
  assertOptions,
  boolean,
  callable,
  number,
  object,
  oneOf,
  requireOption,
  type Shape,
  stringOrStrings,
} from '../lib/check.js'
import { defined } from '../lib/defined.js'
import { createFetch } from '../lib/http/fetch.js'
import { resolveHttp } from '../lib/http/httpOptions.js'
import { toList } from '../lib/list.js'
import { type DPoPConfig, resolveDPoP } from './dpopConfig.js'
import { type ResolvedIntrospection, resolveIntrospection } from './introspectionConfig.js'
import type { ResourceServerOptions, TokenCacheOptions } from './options.js'
import { checkResource, metadataUrl } from './protectedResourceMetadata.js'
import type { AuthorizationServerServices } from './token/authorizationServer.js'
import { VerifiedTokens } from './token/cache.js'
import type { AccessTokenExpectations, Refusal } from './token/claims.js'
import { createIntrospectedTokens } from './token/introspectedTokens.js'
import { introspect } from './token/introspection.js'
import { checkAlgorithms, createFindIssuer, type FindIssuer } from './token/issuers.js'
import { createJwtVerifier, type Verdict } from './token/verify.js'

type Defaulted = 'optional' | 'acceptSession' | 'allowBodyToken' | 'clockTolerance'
type Hook = 'scopeImplies' | 'validate' | 'isRevoked' | 'clientCertificate'

/** {@link ResourceServerOptions}, checked, defaulted and frozen. */
export interface ResourceServerConfig
  extends Readonly<Required<Pick<ResourceServerOptions, Defaulted>>>,
    Readonly<Pick<ResourceServerOptions, Hook>> {
  /** Scheme, host and port of `resource`. */
  readonly origin: string | undefined
  /** The URL of the metadata for `resource`. */
  readonly resourceMetadata: string | undefined
  readonly dpop: DPoPConfig | undefined
  /** Verifies a token, synchronously if possible. */
  readonly verify: (token: string) => Verdict | Promise<Verdict>
}

const YEAR = 31_536_000

/** How many issuers' metadata and keys are cached. */
const MAX_ISSUERS = 10_000

/** Without cached keys, a failing provider is retried after 5 seconds. */
const FRESHNESS: Freshness = { ...DEFAULT_FRESHNESS, retry: 5 }

const SHAPE: Shape<ResourceServerOptions> = {
  issuer: (value) =>
    typeof value === 'string' || typeof value === 'function' || Array.isArray(value) ? undefined : object(value),
  audience: stringOrStrings,
  clientsWithoutAudience: stringOrStrings,
  resource: checkResource,
  algorithms: checkAlgorithms,
  typ: oneOf('at+jwt', 'tolerant'),
  clockTolerance: number('seconds', 0, 300),
  maxTokenAge: number('seconds', 1, YEAR),
  optional: boolean,
  acceptSession: boolean,
  scopes: (value) => (typeof value === 'function' ? undefined : stringOrStrings(value)),
  scopeImplies: callable,
  validate: callable,
  isRevoked: callable,
  allowBodyToken: boolean,
  introspection: object,
  dpop: (value) => (typeof value === 'boolean' ? undefined : object(value)),
  clientCertificate: callable,
  cache: object,
  http: object,
  allowInsecureHttp: boolean,
}

const CACHE_SHAPE: Shape<TokenCacheOptions> = {
  ttl: number('seconds', 0, 3600),
  max: number('tokens', 1, 1_000_000),
}

/** Checks and defaults the options of `resourceServer`. @throws `ERR_CONFIGURATION` */
export function resolveResourceServer(options: ResourceServerOptions): ResourceServerConfig {
  assertOptions<ResourceServerOptions>(options, 'resourceServer', SHAPE)
  requireOption(options, 'resourceServer', 'issuer', 'set it to the issuer URL of your authorization server')
  const { resource, scopeImplies, validate, isRevoked, clientCertificate } = options
  const expected = resolveExpectations(options)
  const services = createServices(options)
  const findIssuer = createFindIssuer(options.issuer, {
    services,
    algorithms: options.algorithms,
    allowInsecureHttp: options.allowInsecureHttp ?? false,
  })
  const introspection = resolveIntrospection(options, findIssuer)
  const cache = resolveCache(options.cache)
  const verify = createVerify(findIssuer, services, expected, cache, introspection)
  return Object.freeze({
    optional: options.optional ?? false,
    acceptSession: options.acceptSession ?? false,
    allowBodyToken: options.allowBodyToken ?? false,
    ...defined({ scopeImplies, validate, isRevoked, clientCertificate }),
    origin: resource === undefined ? undefined : new URL(resource).origin,
    resourceMetadata: resource === undefined ? undefined : metadataUrl(resource).href,
    clockTolerance: expected.clockTolerance,
    dpop: resolveDPoP(options.dpop, resource, expected.clockTolerance),
    verify,
  })
}

function resolveExpectations(options: ResourceServerOptions): AccessTokenExpectations {
  const { audience = options.resource, clientsWithoutAudience = [], scopes = ['scope', 'scp'] } = options
  if (audience === undefined && options.clientsWithoutAudience === undefined) {
    requireOption(
      options,
      'resourceServer',
      'audience',
      'set it to the aud of the tokens for this API, or set resource; or set clientsWithoutAudience if they have no aud',
    )
  }
  return Object.freeze({
    audience: Object.freeze([audience ?? []].flat()),
    clientsWithoutAudience: Object.freeze([clientsWithoutAudience].flat()),
    typ: options.typ ?? 'tolerant',
    clockTolerance: options.clockTolerance ?? 5,
    maxTokenAge: options.maxTokenAge,
    scopes: typeof scopes === 'function' ? scopes : Object.freeze(toList(scopes)),
  })
}

function resolveCache(options: TokenCacheOptions = {}): Required<TokenCacheOptions> {
  assertOptions<TokenCacheOptions>(options, 'resourceServer.cache', CACHE_SHAPE)
  const { ttl = 60, max = 5000 } = options
  return { ttl, max }
}

function createServices({ http, allowInsecureHttp = false }: ResourceServerOptions): AuthorizationServerServices {
  const fetch = createFetch(resolveHttp(http, 'resourceServer.http', allowInsecureHttp))
  return {
    fetch,
    metadata: new RemoteCache({ max: MAX_ISSUERS, freshness: FRESHNESS }),
    keys: new KeyCache({ fetch, max: MAX_ISSUERS, freshness: FRESHNESS }),
  }
}

const NO_JWT: Refusal = {
  message: 'it is not a JWT',
  hint: 'an opaque token requires resourceServer.introspection',
  claim: 'header',
}

function createVerify(
  findIssuer: FindIssuer,
  { fetch }: AuthorizationServerServices,
  expected: AccessTokenExpectations,
  cache: Required<TokenCacheOptions>,
  introspection: ResolvedIntrospection | undefined,
): ResourceServerConfig['verify'] {
  const ask =
    introspection &&
    createIntrospectedTokens((token) => introspect(fetch, introspection.trusted, introspection, token, expected), {
      revocationDelay: introspection.revocationDelay,
      max: cache.max,
    })
  if (ask && introspection.tokens === 'all') return ask
  const decode = createDecoder()
  const verifyJwt = createJwtVerifier(findIssuer, expected)
  const tokens = new VerifiedTokens((token) => {
    const decoded = decode(token)
    if (decoded) return verifyJwt(token, decoded)
    return ask ? ask(token) : NO_JWT
  }, cache)
  return (token) => tokens.verify(token)
}
