import { randomBytes } from 'node:crypto'
import { startProvider } from '../../examples/provider/index.js'
import { UserAgent } from '../support/userAgent.js'
import { Cluster } from './cluster.js'
import type { ServerSettings } from './messages.js'

/** The lifetime of access tokens. In seconds. */
const TOKEN_LIFETIME = 600

/** A storm: a cluster, a real provider that rotates refresh tokens and ends a grant on reuse, and signed-in browsers. */
export interface Storm {
  readonly cluster: Cluster
  readonly provider: Awaited<ReturnType<typeof startProvider>>
  /** What the provider has counted. */
  readonly counted: { refreshes: number; revokedGrants: number }
  /** The session cookies. */
  readonly cookies: readonly string[]
  /** Puts the clocks forward, so that every access token has expired. */
  expire(): Promise<void>
  close(): Promise<void>
}

/** Starts a storm. The provider runs in this process. */
export async function startStorm(
  where: Pick<ServerSettings, 'redisUrl' | 'postgresUrl'>,
  size: { processes: number; sessions: number },
): Promise<Storm> {
  const provider = await startProvider({
    autoSignIn: 'ada',
    issueRefreshToken: 'always',
    // The clocks of the application go forward by hours, those of the provider do not.
    ttl: { accessToken: TOKEN_LIFETIME, idToken: 86_400 },
    features: { backchannelLogout: { enabled: true } },
  } as never)
  const counted = { refreshes: 0, revokedGrants: 0 }
  provider.provider.on('grant.success', (ctx) => {
    if (ctx.oidc.params?.grant_type === 'refresh_token') counted.refreshes++
  })
  provider.provider.on('grant.revoked', () => void counted.revokedGrants++)
  const clientSecret = randomBytes(32).toString('base64url')
  const cluster = await Cluster.start(size.processes, {
    ...where,
    issuer: provider.issuer,
    clientSecret,
    secret: randomBytes(32).toString('base64url'),
    scope: 'openid offline_access',
  })
  await provider.addClient({
    client_id: 'app',
    client_secret: clientSecret,
    redirect_uris: [`${cluster.url}/callback`],
    backchannel_logout_uri: `${cluster.url}/backchannel-logout`,
    backchannel_logout_session_required: true,
  })
  const cookies: string[] = []
  await inParallel(8, size.sessions, async () => {
    const browser = new UserAgent()
    await browser.visit(`${cluster.url}/login?returnTo=/who`)
    cookies.push(`connect.sid=${browser.cookies(cluster.url).get('connect.sid')}`)
  })
  return {
    cluster,
    provider,
    counted,
    cookies,
    expire: () => cluster.pass(TOKEN_LIFETIME),
    async close() {
      await cluster.close()
      await provider.close()
    },
  }
}

/** Does something many times, a few at once. */
export async function inParallel(width: number, times: number, act: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < times) await act(next++)
  }
  await Promise.all(Array.from({ length: width }, work))
}
