import * as openid from 'openid-client'

/** The statuses with which a token endpoint refuses a request. */
const REFUSED = [400, 401, 403]

/** Errors about this application's registration, not the grant (RFC 6749 §5.2). */
const OF_CLIENT = ['invalid_client', 'unauthorized_client']

/** Errors with which some providers report an outage below status 500. */
const OF_OUTAGE = ['temporarily_unavailable', 'server_error']

/** Why a refresh token is refused: the grant is gone, the client is not accepted, or there is an outage. */
export type RefusalOf = 'grant' | 'client' | 'outage'

/**
 * Finds out why a token endpoint refused a refresh token. RFC 6749 requires `invalid_grant`, but providers also answer
 * with `invalid_token`, `access_denied`, text, or nothing: unless there is another cause, the grant is gone.
 * `invalid_grant` counts with any status below 500.
 *
 * @param error - what openid-client threw
 * @returns `undefined` if the request was not refused
 */
export async function refusalOf(error: unknown): Promise<RefusalOf | undefined> {
  const { status, code } = await readRefusal(error)
  if (status === undefined) return undefined
  if (code === 'invalid_grant' && status < 500) return 'grant'
  if (!REFUSED.includes(status)) return undefined
  if (code !== undefined && OF_CLIENT.includes(code)) return 'client'
  return code !== undefined && OF_OUTAGE.includes(code) ? 'outage' : 'grant'
}

async function readRefusal(error: unknown): Promise<{ status?: number; code?: string }> {
  if (error instanceof openid.ResponseBodyError) return { status: error.status, code: error.error }
  // Some servers also send a challenge; openid-client then leaves the error in the body.
  if (error instanceof openid.WWWAuthenticateChallengeError) return readResponse(error.response)
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Response) return readResponse(cause)
  const inner = cause instanceof Error ? cause.cause : undefined
  return inner instanceof Response ? readResponse(inner) : {}
}

async function readResponse(response: Response): Promise<{ status: number; code?: string }> {
  const { status } = response
  if (response.bodyUsed) return { status }
  const body: unknown = await response.json().catch(() => undefined)
  const code = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  return typeof code === 'string' ? { status, code } : { status }
}
