import * as openid from 'openid-client'
import { RelyingPartyError } from '../../errors.js'
import { JwtError, verifySignature } from '../../jwt/jws.js'
import { parseObject } from '../../lib/json.js'
import { createRedactor } from '../../lib/redact.js'
import { errorParameters } from '../../provider/errorText.js'
import type { Provider } from '../../provider/provider.js'
import { translateError } from '../../provider/translate.js'

/** The longest accepted UserInfo response: its claims are stored in the session. In bytes. */
const MAX_CLAIMS = 65_536

/**
 * Fetches the UserInfo claims, as JSON or as a signed JWT, which is verified. `sub` must be the subject.
 *
 * @throws `ERR_USERINFO_INVALID`, `ERR_PROVIDER_UNAVAILABLE`
 * @see [OpenID Connect Core §5.3](https://openid.net/specs/openid-connect-core-1_0.html#UserInfo)
 */
export async function fetchUserInfo(
  provider: Provider,
  accessToken: string,
  subject: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { userinfo_endpoint: endpoint } = await provider.metadata()
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) {
    throw new RelyingPartyError('ERR_METADATA_INVALID', `${provider.options.issuer} has no userinfo_endpoint`, {
      hint: 'remove the provider option userInfo, or set userinfo_endpoint in the option metadata',
    })
  }
  try {
    const response = await openid.fetchProtectedResource(
      await provider.configuration(),
      accessToken,
      new URL(endpoint),
      'GET',
      undefined,
      new Headers({ accept: 'application/json, application/jwt' }),
    )
    const claims = await readClaims(provider, response)
    if (claims.sub === undefined && claims.error !== undefined) throw errorIn(claims, accessToken)
    if (claims.sub !== subject) {
      throw new JwtError('sub is another subject', 'sub', { expected: subject, actual: claims.sub })
    }
    return claims
  } catch (error) {
    if (error instanceof openid.WWWAuthenticateChallengeError) throw tokenRefused(error.status)
    throw translateError(error, 'ERR_USERINFO_INVALID', 'the UserInfo request', provider.errorContext(accessToken))
  }
}

function tokenRefused(status: number): RelyingPartyError {
  return new RelyingPartyError('ERR_USERINFO_INVALID', `the UserInfo endpoint refused the token (${status})`, {
    cause: { status },
    hint: 'the access token may lack the scope openid, or be for another API (resource)',
  })
}

/** Checks whether {@link fetchUserInfo} failed because the endpoint answered 401, so that another token may help. */
export function isTokenRefused(error: unknown): boolean {
  if (!(error instanceof RelyingPartyError) || error.code !== 'ERR_USERINFO_INVALID') return false
  return ((error.cause ?? {}) as { status?: unknown }).status === 401
}

async function readClaims(provider: Provider, response: Response): Promise<Readonly<Record<string, unknown>>> {
  if (response.status === 401) throw tokenRefused(401)
  if (response.status !== 200) throw new Error(`the endpoint answered ${response.status}`)
  const body = await response.text()
  if (Buffer.byteLength(body) > MAX_CLAIMS) throw new Error('the response is longer than 64 KiB')
  if (contentType(response) === 'application/jwt') return readSigned(provider, body)
  const claims = parseObject(body)
  if (!claims) throw new Error('the response is not a JSON object')
  return claims
}

/** A signed response should contain `iss` and `aud`; they are checked if present. */
async function readSigned(provider: Provider, jwt: string): Promise<Readonly<Record<string, unknown>>> {
  const { clientId, idTokenSigningAlg } = provider.options
  const { payload } = await verifySignature(jwt, {
    algorithms: [idTokenSigningAlg],
    algorithmsOption: 'idTokenSigningAlg',
    keys: provider.keySource,
  })
  const { fits } = await provider.issuers()
  if (payload.iss !== undefined && !(typeof payload.iss === 'string' && fits(payload.iss))) {
    const { issuer } = await provider.metadata()
    throw new JwtError('iss is another issuer', 'iss', { expected: issuer, actual: payload.iss })
  }
  if (payload.aud !== undefined && ![payload.aud].flat().includes(clientId)) {
    throw new JwtError('aud is not this client', 'aud', { expected: clientId, actual: payload.aud })
  }
  return payload
}

function contentType(response: Response): string | undefined {
  return response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
}

/** Some providers send errors with status 200. */
function errorIn({ error, error_description }: Readonly<Record<string, unknown>>, sent: string) {
  const redact = createRedactor([sent])
  const { type, code, message } =
    typeof error === 'object' && error !== null
      ? { type: undefined, code: undefined, message: undefined, ...error }
      : { type: error, code: undefined, message: error_description }
  const [name, description] = [type ?? code, message].map((text) =>
    typeof text === 'string' ? redact(text) : undefined,
  )
  return new RelyingPartyError('ERR_USERINFO_INVALID', 'the UserInfo endpoint answered with an error', {
    cause: errorParameters(name, description),
  })
}
