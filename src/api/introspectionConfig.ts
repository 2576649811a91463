import { configurationError } from '../errors.js'
import { assertOptions, boolean, number, oneOf, requireOption, type Shape, string } from '../lib/check.js'
import { assertIssuerUrl } from '../lib/issuer.js'
import type { IntrospectionOptions, ResourceServerOptions } from './options.js'
import type { Introspection } from './token/introspection.js'
import { assertEndpoint, type FindIssuer, type TrustedIssuer } from './token/issuers.js'

/** {@link IntrospectionOptions}, checked and defaulted. */
export interface ResolvedIntrospection extends Introspection {
  readonly trusted: TrustedIssuer
  readonly tokens: 'opaque' | 'all'
  /** In seconds. */
  readonly revocationDelay: number
}

const SHAPE: Shape<IntrospectionOptions> = {
  clientId: string,
  clientSecret: string,
  clientAuth: oneOf('client_secret_basic', 'client_secret_post'),
  issuer: string,
  endpoint: (value) =>
    typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
      ? undefined
      : 'must be a URL, as in https://idp.example.com/introspect',
  tokens: oneOf('opaque', 'all'),
  revocationDelay: number('seconds', 0, 3600),
  signedResponse: boolean,
  allowMissingAudience: boolean,
}

/** Checks and defaults the options of introspection. @throws `ERR_CONFIGURATION` */
export function resolveIntrospection(
  { introspection: options, issuer, allowInsecureHttp = false }: ResourceServerOptions,
  findIssuer: FindIssuer,
): ResolvedIntrospection | undefined {
  if (options === undefined) return undefined
  const path = 'resourceServer.introspection'
  assertOptions<IntrospectionOptions>(options, path, SHAPE)
  requireOption(options, path, 'clientId', 'set it to the client identifier of this API at the authorization server')
  requireOption(options, path, 'clientSecret', 'set it to the client secret of this API at the authorization server')
  const name = options.issuer ?? onlyIssuer(issuer)
  if (name === undefined || typeof issuer === 'function') {
    throw configurationError(
      `${path}.issuer`,
      'is ambiguous',
      'list the issuers in resourceServer.issuer, and set this to the one to ask',
    )
  }
  const trusted = findIssuer(name)
  if (!trusted || trusted instanceof Promise) {
    throw configurationError(`${path}.issuer`, 'is not in resourceServer.issuer', 'set it to one of those')
  }
  const { clientId, clientSecret, clientAuth = 'client_secret_basic', endpoint, tokens = 'opaque' } = options
  if (endpoint === undefined) assertHasMetadata(name, path, allowInsecureHttp)
  else assertEndpoint(endpoint, `${path}.endpoint`, name, allowInsecureHttp)
  return Object.freeze({
    trusted,
    tokens,
    clientId,
    clientSecret,
    clientAuth,
    endpoint,
    revocationDelay: options.revocationDelay ?? 0,
    signedResponse: options.signedResponse ?? false,
    allowMissingAudience: options.allowMissingAudience ?? false,
  })
}

/** Throws if the issuer is only a name, from which no metadata can be fetched. */
function assertHasMetadata(issuer: string, path: string, allowInsecureHttp: boolean): void {
  try {
    assertIssuerUrl(issuer, path, allowInsecureHttp)
  } catch {
    throw configurationError(
      `${path}.endpoint`,
      'is missing',
      `no metadata can be fetched from ${issuer}: set it to the URL of the endpoint`,
    )
  }
}

function onlyIssuer(option: ResourceServerOptions['issuer']): string | undefined {
  const list: unknown[] = [option].flat()
  const [only] = list
  if (list.length !== 1 || typeof only === 'function') return undefined
  return typeof only === 'string' ? only : (only as { issuer: string }).issuer
}
