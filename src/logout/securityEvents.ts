import type { Request, RequestHandler } from 'express'
import { RelyingPartyError } from '../errors.js'
import { assertOptions, type Shape, stringOrStrings } from '../lib/check.js'
import { verifySecurityEvents } from '../protocol/received/securityEvent.js'
import type { Provider } from '../provider/provider.js'
import { readTextBody } from '../request/parameters.js'
import { assertMethod } from '../request/refusals.js'
import { type SessionCaller, sessionMiddleware } from '../session/sessionCaller.js'
import { endSubject } from './endSessions.js'
import { providersOfToken, useMark } from './tokenProvider.js'

/** Options of {@link securityEvents}. */
export interface SecurityEventsOptions {
  /** The audience that the stream has at the provider, of which `aud` must have one. Default is the `clientId`. */
  audience?: string | readonly string[]
}

const SHAPE: Shape<SecurityEventsOptions> = { audience: stringOrStrings }

const CODE = 'ERR_SECURITY_EVENT_INVALID'

/** The error codes of RFC 8935 §2.4, by the claim that failed. */
const ERRORS: Readonly<Record<string, string>> = {
  iss: 'invalid_issuer',
  aud: 'invalid_audience',
  signature: 'invalid_key',
  kid: 'invalid_key',
}

/**
 * Receives security events from the provider's server (Shared Signals), and ends all sessions of the user they are about, at
 * once and in every process.
 *
 * CAEP `session-revoked` and `credential-change`, and RISC `account-disabled`, `account-purged`, `sessions-revoked` and
 * `credential-compromise` end sessions; other events are acknowledged and ignored. Signature, `typ`, `iss`, `aud`, `iat` and
 * `jti` are checked; the user is identified by `iss` and `sub`, or by an opaque id that is the `sub`. The response is 202,
 * also for a token that was received before, which has no effect; or 400 with `err`. It needs no body parser.
 *
 * @throws at a request: `ERR_SECURITY_EVENT_INVALID` with status 405, `ERR_PROVIDER_UNAVAILABLE`, `ERR_METADATA_INVALID`,
 *   `ERR_STORE_UNAVAILABLE`, `ERR_BODY_TOO_LARGE`
 * @see [RFC 8935](https://www.rfc-editor.org/rfc/rfc8935)
 * @see [OpenID CAEP](https://openid.net/specs/openid-caep-1_0-final.html)
 *
 * @example
 * ```ts
 * app.post('/security-events', securityEvents({ audience: 'https://app.example.com/security-events' }))
 * ```
 */
export function securityEvents(options: SecurityEventsOptions = {}): RequestHandler {
  assertOptions<SecurityEventsOptions>(options, 'securityEvents', SHAPE)
  return sessionMiddleware('securityEvents()', async (caller, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertMethod(req, ['POST'], CODE, 'app.post(path, securityEvents())')
    try {
      await receive(caller, req, options)
      res.status(202).end()
    } catch (error) {
      if (!(error instanceof RelyingPartyError && error.code === CODE)) throw error
      caller.config.emit({ type: 'access.refused', code: CODE, missing: [] }, req)
      res.status(error.status).json({ err: errOf(error), description: error.message })
    }
  })
}

/** Ends the sessions of the users at every client of the issuer that the token is for. */
async function receive(caller: SessionCaller, req: Request, { audience }: SecurityEventsOptions): Promise<void> {
  const token = await readTextBody(req, 'application/secevent+jwt', CODE)
  const sent = { token, kind: 'security event token', code: CODE } as const
  const [provider, ...others] = await providersOfToken(caller, req, sent)
  await carryOut(caller, req, provider, token, audience)
  // Each verifies the token itself: another tenant may have named the same issuer, with keys of its own.
  for (const other of others) {
    await carryOut(caller, req, other, token, audience).catch((error: unknown) => {
      if (!(error instanceof RelyingPartyError && error.code === CODE)) throw error
    })
  }
}

/** Ends the sessions at one provider, then marks the token as used there: a process that dies in between loses nothing. */
async function carryOut(
  caller: SessionCaller,
  req: Request,
  provider: Provider,
  token: string,
  audience: SecurityEventsOptions['audience'],
): Promise<void> {
  const audiences = [audience ?? provider.options.clientId].flat()
  const { subjects, jti, issuedAt, usableUntil } = await verifySecurityEvents(provider, token, audiences)
  const mark = useMark(caller, provider, `secevent ${jti}`, usableUntil)
  if (await mark.isUsed()) return
  for (const subject of subjects) await endSubject(caller, req, provider, subject, 'security_event', issuedAt)
  await mark.use()
}

function errOf({ cause }: RelyingPartyError): string {
  const { claim } = (cause ?? {}) as { claim?: unknown }
  return (typeof claim === 'string' ? ERRORS[claim] : undefined) ?? 'invalid_request'
}
