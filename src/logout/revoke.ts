import { setTimeout as wait } from 'node:timers/promises'
import type { Request } from 'express'
import { RelyingPartyError } from '../errors.js'
import { warnOnce } from '../lib/warn.js'
import { revokeRefreshToken } from '../protocol/revocation.js'
import type { Provider } from '../provider/provider.js'
import type { Tokens } from '../records/record.js'
import type { Config } from '../setup/config.js'

/**
 * Revokes the refresh token of a session that has ended, and reports the outcome as an event. Never rejects. Resolves
 * after `http.timeout` at the latest, while a slower request continues in the background.
 */
export async function revoke(
  config: Config,
  req: Request,
  provider: Provider,
  subject: string,
  { refreshToken }: Tokens,
): Promise<void> {
  if (refreshToken === undefined || !provider.options.revokeOnLogout) return
  const about = { provider: provider.name, subject }
  const revoking = revokeRefreshToken(provider, refreshToken).then(
    (asked) => asked && config.emit({ type: 'token.revoked', ...about }, req),
    (error: unknown) => {
      const code = error instanceof RelyingPartyError ? error.code : undefined
      config.emit({ type: 'token.revocation_failed', ...about, code }, req)
      warnOnce('RP_REVOCATION_FAILED', `a refresh token was not revoked at logout (${code ?? 'see onEvent'})`)
    },
  )
  const timer = new AbortController()
  const timeout = wait(config.http.timeout * 1000, undefined, { signal: timer.signal }).catch(() => {})
  await Promise.race([revoking, timeout])
  timer.abort()
}
