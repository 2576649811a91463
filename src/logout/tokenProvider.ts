import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { type ErrorCode, RelyingPartyError } from '../errors.js'
import { unverifiedParties } from '../protocol/received/logoutToken.js'
import type { Provider } from '../provider/provider.js'
import type { SessionCaller } from '../session/sessionCaller.js'

/** A token that a provider's server sends. */
export interface SentToken {
  readonly token: string
  /** What it is, for error messages. */
  readonly kind: 'logout token' | 'security event token' | 'revocation token'
  readonly code: ErrorCode
}

/** Finds the provider by the token's unverified `iss`, and by `aud` if several clients share that issuer. */
export async function providerOfToken(caller: SessionCaller, req: Request, sent: SentToken): Promise<Provider> {
  const [provider] = await providersOfToken(caller, req, sent)
  return provider
}

/** Finds all providers with the token's unverified `iss`. One whose client is named in `aud` comes first. */
export async function providersOfToken(
  { config }: SessionCaller,
  req: Request,
  sent: SentToken,
): Promise<[Provider, ...Provider[]]> {
  const parties = unverifiedParties(sent.token)
  if (!parties) {
    throw new RelyingPartyError(sent.code, `the ${sent.kind} is not a JWT with an issuer`, {
      hint: 'only the provider should send requests to this route',
    })
  }
  const { iss, aud } = parties
  const clientIds = aud.filter((one) => typeof one === 'string')
  const candidates = await config.providers.ofIssuer(req, iss, clientIds)
  const provider = candidates.find(({ options }) => clientIds.includes(options.clientId)) ?? candidates[0]
  if (provider) return [provider, ...candidates.filter((other) => other !== provider)]
  throw new RelyingPartyError(sent.code, `the ${sent.kind} is from an unknown issuer`, {
    cause: { claim: 'iss', actual: iss },
    hint: config.providers.source === 'resolver' ? RESOLVER_HINT : ISSUER_HINT,
  })
}

const ISSUER_HINT =
  'compare iss of the token with the issuer options of the configured providers, including a trailing slash'

const RESOLVER_HINT =
  'relyingParty.provider returned another provider for this request, which comes without a session: if the function gets a ' +
  'second argument, { issuer, clientIds }, it has to choose by that'

/** A mark in the store that a token was used, kept for as long as the token is accepted. */
export interface UseMark {
  /** Checks whether the token was used before. */
  isUsed(): Promise<boolean>
  /** Marks it as used. Resolves to `false` if another request did so at the same time. */
  use(): Promise<boolean>
}

/**
 * Returns the mark of a token.
 *
 * @param id - its `jti`, unique for the kind of token
 * @param usableUntil - in seconds since the epoch
 */
export function useMark({ services }: SessionCaller, provider: Provider, id: string, usableUntil: number): UseMark {
  const { store } = services
  const { key, ttl } = entryOf(provider, id, usableUntil)
  return {
    isUsed: async () => (await store.get(key)) !== undefined,
    use: () => store.add(key, 'used', ttl),
  }
}

/** A token that is used up by one request, which may be sent again. */
export interface Use {
  /** Whether the request was carried out before. */
  readonly isDone: boolean
  /** Marks the request as carried out. */
  done(): Promise<unknown>
}

/**
 * Uses a token up for one request. Parameters are those of {@link useMark}.
 *
 * @param request - what the request asks for
 * @returns `undefined` if the token was used for another request
 */
export async function useUp(
  { services }: SessionCaller,
  provider: Provider,
  id: string,
  usableUntil: number,
  request: string,
): Promise<Use | undefined> {
  const { store } = services
  const { key, ttl } = entryOf(provider, id, usableUntil)
  const begun = hash(request)
  const finished = `${begun} done`
  const stored = (await store.add(key, begun, ttl)) ? begun : await store.get(key)
  if (stored !== begun && stored !== finished) return undefined
  return { isDone: stored === finished, done: () => store.replace(key, begun, finished, ttl) }
}

function entryOf({ registration }: Provider, id: string, usableUntil: number): { key: string; ttl: number } {
  return {
    key: `jti:${hash(`${registration}\0${id}`)}`,
    ttl: Math.max(1, Math.ceil(usableUntil - Date.now() / 1000)),
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
