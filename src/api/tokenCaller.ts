import type { NextFunction, Request, Response } from 'express'
import { type ErrorCode, RelyingPartyError } from '../errors.js'
import {
  type AuthContext,
  includesScope,
  STEP_UP_NEEDED,
  type StepUp,
  stepUpParameters,
  type UserAuthentication,
} from '../guards/caller.js'
import { buildChallenge, type ChallengeParameters } from '../guards/challenge.js'
import { defined } from '../lib/defined.js'
import { AccessTokenAuth } from './accessTokenAuth.js'
import type { ResourceServerConfig } from './config.js'
import type { Credentials } from './token/credentials.js'
import type { VerifiedToken } from './token/verify.js'

type Scheme = Credentials['scheme']

/** What `resourceServer` leaves on a request for the guards. */
export class TokenContext implements AuthContext {
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
    return {
      ...(typeof acr === 'string' ? { acr } : {}),
      ...(typeof auth_time === 'number' ? { authTime: auth_time } : {}),
    }
  }

  get origin(): string | undefined {
    return this.#config.origin
  }

  renew(): undefined {
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

/** The error for a request without a token: a challenge that names no error (RFC 6750 §3.1). */
export function noCredentials(config: ResourceServerConfig): RelyingPartyError {
  const headers = { 'WWW-Authenticate': buildChallenges(config, undefined, {}) }
  return new RelyingPartyError('ERR_AUTHENTICATION_REQUIRED', 'the request has no access token', { headers })
}

/** The error for a request whose credentials are refused. */
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

/** What is said of a refusal: `message` to whoever sent the request, the rest to whoever operates the API. */
export interface RefusalDetails {
  readonly message: string
  readonly hint?: string | undefined
  readonly cause?: unknown
  readonly headers?: Record<string, string>
}

/** The error for a token that is refused. */
export function tokenInvalid(
  config: ResourceServerConfig,
  { scheme }: Credentials,
  { message: reason, ...details }: RefusalDetails,
): RelyingPartyError {
  const message = `the access token is refused: ${reason}`
  return refusal(config, scheme, 'ERR_ACCESS_TOKEN_INVALID', 'invalid_token', { ...details, message })
}

/**
 * Builds the challenges of a response: one for each scheme that is accepted. What is said of the request stands in that of
 * the scheme it used.
 *
 * @see [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)
 */
function buildChallenges(
  { resourceMetadata, dpop }: ResourceServerConfig,
  scheme: Scheme | undefined,
  parameters: ChallengeParameters,
): string {
  const common = resourceMetadata === undefined ? {} : { resource_metadata: resourceMetadata }
  const said = { ...parameters, ...common }
  if (!dpop) return buildChallenge('Bearer', said)
  const algs = dpop.algorithms.join(' ')
  if (scheme === 'DPoP' || dpop.required) return buildChallenge('DPoP', { ...said, algs })
  return `${buildChallenge('Bearer', said)}, ${buildChallenge('DPoP', { ...common, algs })}`
}
