import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { RelyingPartyError } from '../errors.js'
import { type Caller, callerOf, setCaller } from '../guards/caller.js'
import type { Finding } from '../guards/guard.js'
import { isCrossSite, isSafe } from '../request/navigation.js'
import { crossSiteRequest } from '../request/refusals.js'
import { type ResourceServerConfig, resolveResourceServer } from './config.js'
import type { Credentials } from './credentials.js'
import { readCredentials } from './credentials.js'
import type { ResourceServerOptions } from './options.js'
import { judgePossession, needsProof } from './possession.js'
import { isRefusal, type Verdict, type VerifiedToken } from './token/verify.js'
import { noCredentials, refusal, TokenCaller, tokenInvalid } from './tokenCaller.js'

/**
 * Identifies the caller from the access token of a request: sets `req.auth`. Requests without a valid token are refused, in the
 * form of RFC 6750. Mount it before the routes and guards of an API.
 *
 * Checks the signature of a JWT by the issuer's keys, `iss`, `aud`, `exp`, `nbf`, `iat`, and that it is an access token. `jku`, `jwk`, `x5u` and the like in its header are never looked at. A token that passed counts as verified for
 * a minute, or until it expires, or until its key is gone; `validate` and `isRevoked` still judge each request.
 *
 * @throws `ERR_CONFIGURATION` at construction; at a request `ERR_AUTHENTICATION_REQUIRED`, `ERR_CREDENTIALS_MALFORMED`,
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
    if (credentials === undefined) next(judgeWithoutToken(config, req))
    else if (credentials === 'malformed') next(malformed(config))
    else {
      const verdict = config.verify(credentials.token)
      if (verdict instanceof Promise)
        verdict.then((settled) => judge(config, req, res, next, credentials, settled), next)
      else judge(config, req, res, next, credentials, verdict)
    }
  }
}

/** Judges a request without a token: by its session where that counts too, as anonymous, or not at all. */
function judgeWithoutToken(config: ResourceServerConfig, req: Request): Finding {
  if (config.acceptSession) {
    const session = callerOf(req, 'resourceServer({ acceptSession: true })')
    if (session.auth.kind === 'session') return judgeSession(req, session)
    return config.optional ? undefined : noCredentials(config)
  }
  if (!config.optional) return noCredentials(config)
  setCaller(req, new TokenCaller(config))
  return undefined
}

function judgeSession(req: Request, { origin }: Caller): Finding {
  if (isSafe(req) || !isCrossSite(req, origin)) return undefined
  return crossSiteRequest(
    'only the session identifies the caller (resourceServer.acceptSession): send an access token, or send the request ' +
      'from a page at the origin of relyingParty.baseUrl',
  )
}

/** Answers a request whose token was judged. It goes on at once where nothing depends on the request. */
function judge(
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
    judgeRequest(config, req, res, credentials, verdict).then(settle, next)
  } else {
    settle(undefined)
  }
}

/** Judges what depends on the request: the proof of possession, and what the application says of the claims. */
async function judgeRequest(
  config: ResourceServerConfig,
  req: Request,
  res: Response,
  credentials: Credentials,
  verified: VerifiedToken,
): Promise<Finding> {
  const { claims } = verified
  const finding = await judgePossession(config, req, res, credentials, verified)
  if (finding) return finding
  if (config.isRevoked && (await config.isRevoked(claims, req)) !== false) {
    return tokenInvalid(config, credentials, { message: 'it was revoked', hint: 'by resourceServer.isRevoked' })
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
    'the Authorization header must be one Bearer or DPoP token of at most 16,384 characters, once, without access_token in ' +
    'the query or body'
  return refusal(config, undefined, 'ERR_CREDENTIALS_MALFORMED', 'invalid_request', { message, hint })
}
