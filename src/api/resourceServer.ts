import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { RelyingPartyError } from '../errors.js'
import { type Caller, callerOf, setCaller } from '../guards/caller.js'
import type { Finding } from '../guards/guard.js'
import { isCrossSite, isSafe } from '../request/navigation.js'
import { crossSiteRequest } from '../request/refusals.js'
import { type ResourceServerConfig, resolveResourceServer } from './config.js'
import { type Credentials, readCredentials } from './credentials.js'
import type { ResourceServerOptions } from './options.js'
import { checkPossession, needsProof } from './possession.js'
import { isRefusal, type Verdict, type VerifiedToken } from './token/verify.js'
import { noCredentials, refusal, TokenCaller, tokenInvalid } from './tokenCaller.js'

/**
 * Identifies the caller from the access token of a request, and sets `req.auth`.
 *
 * Refuses requests without a valid token, as RFC 6750 specifies. Mount it before the routes and guards of an API.
 *
 * Checks the signature of a JWT with the issuer's keys, `iss`, `aud`, `exp`, `nbf`, `iat`, and that it is an access token.
 * Ignores `jku`, `jwk`, `x5u` and `x5c` in its header. A verified token is not verified again for a minute, until it
 * expires, or until its key is withdrawn; `validate` and `isRevoked` are called for every request.
 *
 * @throws `ERR_CONFIGURATION` at construction; per request `ERR_AUTHENTICATION_REQUIRED`, `ERR_CREDENTIALS_MALFORMED`,
 *   `ERR_ACCESS_TOKEN_INVALID`, `ERR_DPOP_PROOF_INVALID`, `ERR_DPOP_NONCE_REQUIRED`, `ERR_CROSS_SITE_REQUEST`,
 *   `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`, `ERR_INTROSPECTION_INVALID`, `ERR_CLIENT_REFUSED`,
 *   `ERR_STORE_UNAVAILABLE`
 * @see [RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)
 *
 * @example
 * ```ts
 * app.use('/api', resourceServer({ issuer: 'https://idp.example.com', audience: 'https://api.example.com' }))
 * app.get('/api/reports', requireScope('reports:read'), (req, res) => res.json([]))
 * ```
 */
export function resourceServer(options: ResourceServerOptions): RequestHandler {
  const config = resolveResourceServer(options)

  return (req, res, next) => {
    const credentials = readCredentials(req, config)
    if (credentials === undefined) next(handleMissingToken(config, req))
    else if (credentials === 'malformed') next(malformed(config))
    else {
      const verdict = config.verify(credentials.token)
      if (verdict instanceof Promise)
        verdict.then((settled) => admit(config, req, res, next, credentials, settled), next)
      else admit(config, req, res, next, credentials, verdict)
    }
  }
}

/** Handles a request without a token: accepts its session or lets it pass as anonymous, if allowed. */
function handleMissingToken(config: ResourceServerConfig, req: Request): Finding {
  if (config.acceptSession) {
    const session = callerOf(req, 'resourceServer({ acceptSession: true })')
    if (session.auth.kind === 'session') return checkSession(req, session)
    return config.optional ? undefined : noCredentials(config)
  }
  if (!config.optional) return noCredentials(config)
  setCaller(req, new TokenCaller(config))
  return undefined
}

function checkSession(req: Request, { origin }: Caller): Finding {
  if (isSafe(req) || !isCrossSite(req, origin)) return undefined
  return crossSiteRequest(
    'only the session identifies the caller (resourceServer.acceptSession): send an access token, or send the request ' +
      'from a page at the origin of relyingParty.baseUrl',
  )
}

/** Lets a request with a verified token pass, synchronously unless a check depends on the request. */
function admit(
  config: ResourceServerConfig,
  req: Request,
  res: Response,
  next: NextFunction,
  credentials: Credentials,
  verdict: Verdict,
): void {
  if (isRefusal(verdict)) {
    const { message, hint, ...cause } = verdict
    next(tokenInvalid(config, credentials, { message, hint, cause }))
    return
  }
  const settle = (finding: Finding) => {
    if (!finding) setCaller(req, new TokenCaller(config, verdict, credentials))
    next(finding)
  }
  if (config.validate || config.isRevoked || needsProof(config, credentials, verdict)) {
    checkRequest(config, req, res, credentials, verdict).then(settle, next)
  } else {
    settle(undefined)
  }
}

/** Checks what depends on the request: the proof of possession and the hooks of the application. */
async function checkRequest(
  config: ResourceServerConfig,
  req: Request,
  res: Response,
  credentials: Credentials,
  verified: VerifiedToken,
): Promise<Finding> {
  const { claims } = verified
  const finding = await checkPossession(config, req, res, credentials, verified)
  if (finding) return finding
  if (config.isRevoked && (await config.isRevoked(claims, req)) !== false) {
    return tokenInvalid(config, credentials, {
      message: 'it was revoked',
      hint: 'resourceServer.isRevoked did not return false',
    })
  }
  if (config.validate && (await config.validate(claims, req)) !== true) {
    const hint = 'resourceServer.validate did not return true'
    return tokenInvalid(config, credentials, { message: 'it is not accepted here', hint })
  }
  return undefined
}

function malformed(config: ResourceServerConfig): RelyingPartyError {
  const message = 'the credentials are malformed, repeated, or in two places'
  const hint =
    'send one Authorization header, with a single Bearer or DPoP token of at most 16,384 characters, and no access_token ' +
    'in the query or body'
  return refusal(config, undefined, 'ERR_CREDENTIALS_MALFORMED', 'invalid_request', { message, hint })
}
