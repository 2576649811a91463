import type { Request, RequestHandler, Response } from 'express'
import { RelyingPartyError } from '../errors.js'
import { assertOptions, callable, requireOption, type Shape, string } from '../lib/check.js'
import { readRevokedUser, verifyRevocationToken } from '../protocol/received/revocationRequest.js'
import type { Provider } from '../provider/provider.js'
import { readJsonBody } from '../request/parameters.js'
import { assertMethod } from '../request/refusals.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
import { endSubject } from './endSessions.js'
import { providersOfToken, useUp } from './tokenProvider.js'

/** Options of {@link globalTokenRevocation}. */
export interface GlobalTokenRevocationOptions {
  /** The `aud` of the requests' tokens. Default is the URL of this route, below `baseUrl`. */
  audience?: string
  /**
   * The issuer of the requests' tokens, if it is not that of the provider: for a custom authorization server of Okta, the
   * organization, such as `'https://example.okta.com'`. Its keys are those of its metadata.
   */
  issuer?: string
  /** The provider's name, if there are several. Only with `issuer`. */
  provider?: string
  /**
   * Returns the `sub` of the user with an e-mail address, or `undefined` if there is none. Called after the request was
   * authenticated. Default is to refuse requests that name a user by e-mail address.
   */
  subjectForEmail?: (email: string, req: Request) => string | undefined | Promise<string | undefined>
}

const SHAPE: Shape<GlobalTokenRevocationOptions> = {
  audience: string,
  issuer: (value) =>
    typeof value === 'string' && URL.canParse(value) ? undefined : 'must be a URL such as https://example.okta.com',
  provider: string,
  subjectForEmail: callable,
}

const CODE = 'ERR_SECURITY_EVENT_INVALID'

/** What this route works with: the provider whose sessions end, and the one whose token authenticates the request. */
interface Parties {
  readonly provider: Provider
  readonly sender: Provider
}

/**
 * Receives revocation requests from the identity provider's server (Global Token Revocation, which Okta calls Universal
 * Logout), and ends all sessions of the user they name, at once and in every process.
 *
 * The request is authenticated by a JWT: signature, `typ`, `iss`, `aud`, `exp`, `iat` and `jti` are checked. A token is for
 * one user: it cannot be used again for another. The response is 204; 401 for a token that is refused; 400 or 404 for a user
 * that is malformed or unknown. It needs no body parser.
 *
 * @throws `ERR_CONFIGURATION` at construction; at a request `ERR_SECURITY_EVENT_INVALID` with status 405,
 *   `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`, `ERR_UNKNOWN_PROVIDER`, `ERR_STORE_UNAVAILABLE`, `ERR_BODY_TOO_LARGE`
 * @see [Global Token Revocation](https://datatracker.ietf.org/doc/draft-parecki-oauth-global-token-revocation/), a draft
 *
 * @example
 * ```ts
 * app.post('/global-token-revocation', globalTokenRevocation({ issuer: 'https://example.okta.com' }))
 * ```
 */
export function globalTokenRevocation(options: GlobalTokenRevocationOptions = {}): RequestHandler {
  assertOptions<GlobalTokenRevocationOptions>(options, 'globalTokenRevocation', SHAPE)
  if (options.provider !== undefined) {
    requireOption(options, 'globalTokenRevocation', 'issuer', 'without it, remove provider: the token names the issuer')
  }
  return sessionMiddleware('globalTokenRevocation()', async (caller, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertMethod(req, ['POST'], CODE, 'app.post(path, globalTokenRevocation())')
    try {
      res.sendStatus(await receive(caller, req, options))
    } catch (error) {
      if (!(error instanceof RelyingPartyError && error.code === CODE)) throw error
      caller.config.emit({ type: 'access.refused', code: CODE, missing: [] }, req)
      refuse(res, error)
    }
  })
}

async function receive(caller: SessionCaller, req: Request, options: GlobalTokenRevocationOptions): Promise<number> {
  const token = bearerToken(req)
  const [path = ''] = req.originalUrl.split('?')
  const audience = options.audience ?? caller.config.origin + path
  const [first, ...others] = await partiesOf(caller, req, token, options)
  const received = await verifyRevocationToken(first.sender, token, audience)
  const user = readRevokedUser(
    await readJsonBody(req, CODE),
    [first.sender.options.issuer, first.provider.options.issuer],
    first.provider,
  )
  const subject = 'sub' in user ? user.sub : await subjectFor(user, req, options)
  if (subject === undefined) return 404
  // The body is not signed: whoever saw a request could otherwise end the sessions of anyone.
  const { jti, issuedAt, usableUntil } = received
  const use = await useUp(caller, first.sender, `revocation ${jti}`, usableUntil, JSON.stringify(user))
  if (!use) {
    throw new RelyingPartyError(CODE, 'the revocation token was used for another user', { cause: { claim: 'jti' } })
  }
  if (use.isDone) return 204
  for (const { provider, sender } of [first, ...others]) {
    if (sender !== first.sender && !(await isOf(sender, token, audience))) continue
    await endSubject(caller, req, provider, subject, 'security_event', issuedAt)
  }
  await use.done()
  return 204
}

async function partiesOf(
  caller: SessionCaller,
  req: Request,
  token: string,
  { issuer, provider: name }: GlobalTokenRevocationOptions,
): Promise<[Parties, ...Parties[]]> {
  if (issuer !== undefined) {
    const provider = await caller.config.providers.choose(req, name)
    return [{ provider, sender: provider.withIssuer(issuer) }]
  }
  const sent = { token, kind: 'revocation token', code: CODE } as const
  const [first, ...others] = await providersOfToken(caller, req, sent)
  const both = (provider: Provider) => ({ provider, sender: provider })
  return [both(first), ...others.map(both)]
}

/** @throws `ERR_SECURITY_EVENT_INVALID` if there is no way to find the user */
async function subjectFor(
  { email }: { readonly email: string },
  req: Request,
  { subjectForEmail }: GlobalTokenRevocationOptions,
): Promise<string | undefined> {
  if (subjectForEmail) return subjectForEmail(email, req)
  throw new RelyingPartyError(CODE, 'users cannot be found by e-mail address here', {
    hint: 'have the identity provider name users by iss_sub, or set globalTokenRevocation({ subjectForEmail })',
  })
}

function bearerToken(req: Request): string {
  const [, token] = /^Bearer +([\w.~+/=-]+) *$/i.exec(req.get('Authorization') ?? '') ?? []
  if (token !== undefined) return token
  throw new RelyingPartyError(CODE, 'the revocation request has no token', { cause: { claim: 'token' } })
}

function refuse(res: Response, { status, message, cause }: RelyingPartyError): void {
  const { claim } = (cause ?? {}) as { claim?: unknown }
  const isOfToken = claim !== undefined && claim !== 'sub_id'
  if (isOfToken) res.set('WWW-Authenticate', 'Bearer error="invalid_token"')
  const error = isOfToken ? 'invalid_token' : 'invalid_request'
  res.status(isOfToken && status === 400 ? 401 : status).json({ error, error_description: message })
}

/** Checks whether a token is valid for another provider of its issuer: another tenant may have keys of its own. */
async function isOf(sender: Provider, token: string, audience: string): Promise<boolean> {
  try {
    await verifyRevocationToken(sender, token, audience)
    return true
  } catch (error) {
    if (error instanceof RelyingPartyError && error.code === CODE) return false
    throw error
  }
}
