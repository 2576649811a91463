import type { NextFunction, Request, Response } from 'express'
import type { Auth, Claims } from '../auth.js'
import { type ErrorCode, RelyingPartyError } from '../errors.js'
import {
  type Caller,
  includesScope,
  STEP_UP_NEEDED,
  type StepUp,
  stepUpParameters,
  type UserAuthentication,
} from '../guards/caller.js'
import { buildChallenge, type ChallengeParameters } from '../guards/challenge.js'
import { defined } from '../lib/defined.js'
import type { ResourceServerConfig } from './config.js'
import type { Credentials } from './credentials.js'
import type { VerifiedToken } from './token/verify.js'

type Scheme = Credentials['scheme']

const NO_CLAIMS: Claims = Object.freeze({})
const NO_SCOPES: readonly string[] = Object.freeze([])

/** The `req.auth` of a request with a valid access token, or of an anonymous request. */
class AccessTokenAuth implements Auth {
  readonly #verified: VerifiedToken | undefined
  readonly #token: string | undefined

  constructor(verified?: VerifiedToken, token?: string) {
    this.#verified = verified
    this.#token = token
  }

  get isAuthenticated(): boolean {
    return this.#verified !== undefined
  }

  get kind(): 'access_token' | 'anonymous' {
    return this.#verified ? 'access_token' : 'anonymous'
  }

  get subject(): string | undefined {
    return this.#verified?.claims.sub as string | undefined
  }

  get claims(): Claims {
    return (this.#verified?.claims as Claims | undefined) ?? NO_CLAIMS
  }

  get scopes(): readonly string[] {
    return this.#verified?.scopes ?? NO_SCOPES
  }

  get provider(): string | undefined {
    return this.#verified?.issuer
  }

  async getAccessToken(): Promise<string> {
    if (this.#token !== undefined) return this.#token
    throw new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'the request has no access token')
  }

  async fetch(): Promise<never> {
    throw notPassedOn('req.auth.fetch()')
  }

  async fetchUserInfo(): Promise<never> {
    throw notPassedOn('req.auth.fetchUserInfo()')
  }
}

/** A token for this API is never sent to another one, which could use it here. */
function notPassedOn(method: string): RelyingPartyError {
  return new RelyingPartyError('ERR_CONFIGURATION', `${method} needs a session`, {
    hint:
      'an access token that this API received is only for this API. To call another one, get a token for it, for example ' +
      'with clientCredentials()',
  })
}

/** The caller that `resourceServer` sets for the guards. */
export class TokenCaller implements Caller {
  readonly auth: AccessTokenAuth
  readonly #config: ResourceServerConfig
  readonly #scheme: Scheme | undefined
  readonly byHeader: boolean

  constructor(config: ResourceServerConfig, verified?: VerifiedToken, credentials?: Credentials) {
    this.#config = config
    this.#scheme = credentials?.scheme
    this.byHeader = credentials?.place === 'header'
    this.auth = new AccessTokenAuth(verified, credentials?.token)
  }

  get clockTolerance(): number {
    return this.#config.clockTolerance
  }

  get authentication(): UserAuthentication {
    const { acr, auth_time } = this.auth.claims
    return defined({
      acr: typeof acr === 'string' ? acr : undefined,
      authTime: typeof auth_time === 'number' ? auth_time : undefined,
    })
  }

  get origin(): string | undefined {
    return this.#config.origin
  }

  refreshIfDue(): undefined {
    return undefined
  }

  hasScope(needed: string): boolean {
    return includesScope(this.auth.scopes, needed, this.#config.scopeImplies)
  }

  challenge(parameters: ChallengeParameters): string {
    return buildChallenges(this.#config, this.#scheme, parameters)
  }

  demandAuthentication(_req: Request, _res: Response, next: NextFunction): void {
    next(noCredentials(this.#config))
  }

  demandStepUp(_req: Request, _res: Response, next: NextFunction, stepUp: StepUp): void {
    const headers = { 'WWW-Authenticate': this.challenge(stepUpParameters(stepUp)) }
    next(new RelyingPartyError('ERR_INSUFFICIENT_AUTHENTICATION', STEP_UP_NEEDED, { headers }))
  }

  refuse(error: unknown, _req: Request, _res: Response, next: NextFunction): void {
    next(error)
  }
}

/** Builds the error for a request without a token. Its challenge has no `error` (RFC 6750 §3.1). */
export function noCredentials(config: ResourceServerConfig): RelyingPartyError {
  const headers = { 'WWW-Authenticate': buildChallenges(config, undefined, {}) }
  return new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'the request has no access token', {
    headers,
    hint: 'send it in the Authorization header, with the scheme Bearer or, if resourceServer.dpop is set, DPoP',
  })
}

/** Builds the error for a request whose credentials are refused. */
export function refusal(
  config: ResourceServerConfig,
  scheme: Scheme | undefined,
  code: ErrorCode,
  error: string,
  { message, hint, cause, headers }: RefusalDetails,
): RelyingPartyError {
  const challenge = { 'WWW-Authenticate': buildChallenges(config, scheme, { error }) }
  return new RelyingPartyError(code, message, { headers: { ...challenge, ...headers }, cause, ...defined({ hint }) })
}

/** Details of a refusal: `message` for the sender of the request, the rest for the operator of the API. */
interface RefusalDetails {
  readonly message: string
  readonly hint?: string | undefined
  readonly cause?: unknown
  readonly headers?: Record<string, string>
}

/** Builds the error for a token that is refused. */
export function tokenInvalid(
  config: ResourceServerConfig,
  { scheme }: Credentials,
  { message: reason, ...details }: RefusalDetails,
): RelyingPartyError {
  const message = `the access token is refused: ${reason}`
  return refusal(config, scheme, 'ERR_ACCESS_TOKEN_INVALID', 'invalid_token', { ...details, message })
}

/**
 * Builds the challenges of a response, one for each accepted scheme. The parameters go into that of the scheme the request
 * used.
 *
 * @see [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)
 */
function buildChallenges(
  { resourceMetadata, dpop }: ResourceServerConfig,
  scheme: Scheme | undefined,
  parameters: ChallengeParameters,
): string {
  const common = defined({ resource_metadata: resourceMetadata })
  const all = { ...parameters, ...common }
  if (!dpop) return buildChallenge('Bearer', all)
  const algs = dpop.algorithms.join(' ')
  if (scheme === 'DPoP' || dpop.required) return buildChallenge('DPoP', { ...all, algs })
  return `${buildChallenge('Bearer', all)}, ${buildChallenge('DPoP', { ...common, algs })}`
}
