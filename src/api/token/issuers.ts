import type { JWK } from 'jose'
import { LRUCache } from 'lru-cache'
import { configurationError } from '../../errors.js'
import { PUBLIC_KEY_ALGORITHMS, SECRET_ALGORITHMS } from '../../jwt/algorithms.js'
import { secretKey, type VerifyingKey } from '../../jwt/jws.js'
import { checkKey, type KeyHeader, KeySet } from '../../jwt/keySet.js'
import { assertOptions, oneOf, type Shape, string } from '../../lib/check.js'
import { assertIssuerUrl } from '../../lib/issuer.js'
import { isLoopback } from '../../lib/loopback.js'
import { AuthorizationServer, type AuthorizationServerServices } from './authorizationServer.js'

/** A trusted issuer of access tokens, and the source of its keys. Default is its metadata. */
export interface IssuerOptions {
  /**
   * The issuer identifier, exactly as in `iss`. With `jwksUri`, `keys` or `secret`, any string: AD FS issues access tokens
   * as `http://HOST/adfs/services/trust`.
   */
  issuer: string
  /** The `https` URL of the keys, for an issuer without metadata. */
  jwksUri?: string
  /** The public keys themselves. Nothing is fetched. */
  keys?: readonly JWK[]
  /** The secret of HMAC signatures, at least 32 characters. Anyone who knows it can also issue tokens. */
  secret?: string
  /**
   * The accepted signature algorithms. Default is every public-key algorithm (`RS256`, `PS256`, `ES256`, `EdDSA` …), or
   * `['HS256']` with `secret`.
   */
  algorithms?: readonly string[]
}

/** An issuer: its identifier, or its options. */
export type TrustedIssuerOption = string | IssuerOptions

/**
 * Looks up the issuer that an unverified token names in a list of your own, such as a database of tenants.
 *
 * Return `undefined` to refuse it. Never trust an issuer merely because a token names it.
 */
export type IssuerResolver = (
  issuer: string,
) => TrustedIssuerOption | undefined | Promise<TrustedIssuerOption | undefined>

/** A verification key, and whether it is still one of its owner's. */
export interface VerificationKey {
  readonly key: VerifyingKey
  readonly current: boolean
}

/** A trusted issuer. */
export interface TrustedIssuer {
  readonly server: AuthorizationServer
  readonly algorithms: readonly string[]
  /** @param tried - keys that did not verify the token: only others are returned */
  keysFor(
    header: KeyHeader,
    tried?: readonly VerifyingKey[],
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>
}

/** Finds a trusted issuer, synchronously if the issuers are listed. */
export interface FindIssuer {
  (issuer: string): TrustedIssuer | undefined | Promise<TrustedIssuer | undefined>
  /** The identifiers of all trusted issuers, unless a function looks them up. */
  readonly listed?: readonly string[]
}

const MIN_SECRET = 32

/** How many issuers returned by a resolver are cached. */
const MAX_RESOLVED = 10_000

const SHAPE: Shape<IssuerOptions> = {
  issuer: string,
  jwksUri: (value) => (typeof value === 'string' && URL.canParse(value) ? undefined : 'must be a URL'),
  keys: (value) => checkKeys(value),
  secret: (value) =>
    typeof value === 'string' && value.length >= MIN_SECRET
      ? undefined
      : `must have at least ${MIN_SECRET} characters: write what \`openssl rand -base64 32\` prints`,
  algorithms: (value) => checkAlgorithms(value),
}

/** Checks a list of signature algorithms. */
export function checkAlgorithms(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return 'must be a list of algorithms'
  if (value.includes('none')) return 'must not include none: an unsigned token proves nothing'
  for (const alg of value) {
    const problem = oneOf(...PUBLIC_KEY_ALGORITHMS, ...SECRET_ALGORITHMS)(alg)
    if (problem) return `holds an algorithm that ${problem}`
  }
  return undefined
}

function checkKeys(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return 'must be a list of public keys as JWKs'
  for (const jwk of value as JWK[]) {
    const problem = checkKey(jwk)
    if (problem) return `holds a key that ${problem}`
  }
  return undefined
}

/** What all issuers of one resource server share. */
interface IssuerContext {
  readonly services: AuthorizationServerServices
  /** The algorithms of issuers that list none of their own. */
  readonly algorithms: readonly string[] | undefined
  readonly allowInsecureHttp: boolean
}

/** Creates the function that finds trusted issuers. @throws `ERR_CONFIGURATION` */
export function createFindIssuer(
  option: TrustedIssuerOption | readonly TrustedIssuerOption[] | IssuerResolver,
  context: IssuerContext,
): FindIssuer {
  if (typeof option === 'function') return resolvedIssuers(option, context)
  const listed = new Map<string, TrustedIssuer>()
  const list = Array.isArray(option) ? (option as readonly TrustedIssuerOption[]) : [option as TrustedIssuerOption]
  if (list.length === 0) throw configurationError('resourceServer.issuer', 'is empty', 'list at least one issuer')
  for (const item of list) {
    const issuer = createIssuer(item, 'resourceServer.issuer', context)
    if (listed.has(issuer.server.issuer))
      throw configurationError('resourceServer.issuer', 'names an issuer twice', 'list each issuer once')
    listed.set(issuer.server.issuer, issuer)
  }
  return Object.assign((issuer: string) => listed.get(issuer), { listed: [...listed.keys()] })
}

function resolvedIssuers(resolve: IssuerResolver, context: IssuerContext): FindIssuer {
  const known = new LRUCache<string, TrustedIssuer>({ max: MAX_RESOLVED })
  return async (issuer) => {
    const option = await resolve(issuer)
    if (option === undefined) return undefined
    const key = typeof option === 'string' ? option : JSON.stringify(option)
    let trusted = known.get(key)
    if (!trusted) {
      trusted = createIssuer(option, 'the result of resourceServer.issuer', context)
      known.set(key, trusted)
    }
    if (trusted.server.issuer === issuer) return trusted
    const problem = 'is a function that returned another issuer than the requested one'
    throw configurationError('resourceServer.issuer', problem, 'return undefined to refuse')
  }
}

function createIssuer(option: TrustedIssuerOption, path: string, context: IssuerContext): TrustedIssuer {
  const options: IssuerOptions = typeof option === 'string' ? { issuer: option } : option
  assertOptions<IssuerOptions>(options, path, SHAPE)
  const { issuer, jwksUri, keys, secret } = options
  const sources = [jwksUri, keys, secret].filter((source) => source !== undefined)
  if (sources.length > 1)
    throw configurationError(path, 'has several sources of keys', 'pass only one of jwksUri, keys and secret')
  // Without metadata, the issuer is only a name and need not be an https URL: that of AD FS is an http URL.
  if (sources.length === 0) assertIssuerUrl(issuer, path, context.allowInsecureHttp)
  if (jwksUri !== undefined) assertEndpoint(jwksUri, `${path}.jwksUri`, issuer, context.allowInsecureHttp)
  const algorithms = options.algorithms ?? context.algorithms ?? defaultAlgorithms(secret)
  for (const alg of algorithms) {
    if (alg.startsWith('HS') === (secret !== undefined)) continue
    throw configurationError(
      `${path}.algorithms`,
      `holds ${alg}`,
      secret ? 'a secret takes HS256' : 'it needs a secret',
    )
  }
  const server = new AuthorizationServer(issuer, context.services, jwksUri)
  if (secret !== undefined) {
    const shared = [{ key: secretKey(secret), current: true }]
    return { server, algorithms, keysFor: (_header, tried) => (tried ? [] : shared) }
  }
  if (keys === undefined) return { server, algorithms, keysFor: (header, tried) => server.keysFor(header, tried) }
  const given = new KeySet(keys)
  return { server, algorithms, keysFor: (header, tried) => (tried ? [] : given.find(header)) }
}

/** Throws unless the endpoint of an issuer has an `https` URL, or an `http` URL that is allowed. */
export function assertEndpoint(url: string, option: string, issuer: string, allowInsecureHttp: boolean): void {
  const target = new URL(url)
  if (target.protocol === 'https:') return
  if (target.protocol !== 'http:') throw configurationError(option, `uses ${target.protocol}`, 'use https')
  if (issuer.startsWith('https:')) throw configurationError(option, 'uses http', 'use https, as the issuer does')
  if (isLoopback(target) || allowInsecureHttp) return
  throw configurationError(option, 'uses http for a non-loopback host', 'use https, or set allowInsecureHttp')
}

function defaultAlgorithms(secret: string | undefined): readonly string[] {
  return secret === undefined ? PUBLIC_KEY_ALGORITHMS : ['HS256']
}
