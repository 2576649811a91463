import { randomBytes } from 'node:crypto'
import { startProvider } from '../../examples/provider/index.js'
import { createMemoryAdapter } from '../../examples/provider/memory-adapter.js'
import type { SessionOptions } from '../../src/index.js'
import { UserAgent } from '../support/bed/userAgent.js'
import type { Cuttable } from '../support/stores/cuttable.js'
import { Cluster, type Program } from './cluster.js'
import { emptyStores, type StoreUrls, startWay } from './stores.js'

/** The lifetime of access tokens. In seconds. */
const TOKEN_LIFETIME = 600

/** A storm: a cluster, a real provider that rotates refresh tokens and ends a grant on reuse, and signed-in browsers. */
export interface Storm {
  readonly cluster: Cluster
  /** What the provider has counted: refresh tokens that it took and that it refused, and grants that it ended. */
  readonly counted: { refreshes: number; refused: number; revokedGrants: number }
  /** The way to the store that the first half of the processes has. */
  readonly way: Cuttable
  /** The session cookies. */
  readonly cookies: readonly string[]
  /** Signs a session in, in the place of one that ended. */
  signIn(index: number): Promise<void>
  /** Holds token requests back at the provider, after it has used up their refresh tokens, until `act` is done. */
  holdingTokens<T>(act: () => Promise<T>): Promise<T>
  /** Puts the clocks forward, so that every access token has expired. */
  expire(): Promise<void>
  /** Returns the cookies of the sessions that are signed in. */
  signedIn(): Promise<string[]>
  close(): Promise<void>
}

/** How large a storm is. */
export interface StormSize {
  readonly processes: number
  readonly sessions: number
  /** Whether `relyingParty` is given a shared `AuthStore`. Default is `true`. */
  readonly shared?: boolean
  /** Default waits for a refresh for longer than the locks of a killed process last, however busy the machine is. */
  readonly session?: SessionOptions
  /** What the processes run. Default is the application under storm. */
  readonly program?: Program
}

/** Starts a storm on empty stores. The provider runs in this process. */
export async function startStorm(urls: StoreUrls, size: StormSize): Promise<Storm> {
  const { processes, sessions, shared = true, session = { refreshWait: 60 }, program } = size
  await emptyStores(urls)
  let held: Promise<unknown> | undefined
  const provider = await startProvider({
    // Asked for when the refresh token is used up already.
    configuration: { adapter: createMemoryAdapter(1_000_000), extraTokenClaims: () => held?.then(() => undefined) },
    autoSignIn: 'user 0',
    users: Array.from({ length: sessions }, (_, i) => ({ id: `user ${i}`, about: '', claims: { name: `User ${i}` } })),
    issueRefreshToken: 'always',
    // The clocks of the application go forward by hours, those of the provider do not.
    ttl: { accessToken: TOKEN_LIFETIME, idToken: 86_400 },
  } as never)
  const counted = { refreshes: 0, refused: 0, revokedGrants: 0 }
  provider.provider.on('grant.success', (ctx) => {
    if (ctx.oidc.params?.grant_type === 'refresh_token') counted.refreshes++
  })
  provider.provider.on('grant.error', () => void counted.refused++)
  provider.provider.on('grant.revoked', () => void counted.revokedGrants++)
  const clientSecret = randomBytes(32).toString('base64url')
  // As far away from one half of the processes as from the other.
  const [one, other] = [await startWay(urls), await startWay(urls)]
  const half = Math.floor(processes / 2)
  const settings = {
    stores: [...Array.from({ length: half }, () => one.urls), other.urls],
    shared,
    session,
    issuer: provider.issuer,
    clientSecret,
    secrets: [newSecret()],
    scope: 'openid offline_access',
  }
  const cluster = await Cluster.start(processes, settings, program)
  await provider.addClient({
    client_id: 'app',
    client_secret: clientSecret,
    redirect_uris: [`${cluster.url}/callback`],
  })
  const cookies: string[] = []
  const signIn = async (index: number) => {
    const browser = new UserAgent()
    const initiation = new URLSearchParams({ iss: provider.issuer, login_hint: `user ${index}` })
    await browser.visit(`${cluster.url}/login?${initiation}`)
    cookies[index] = `connect.sid=${browser.cookies(cluster.url).get('connect.sid')}`
  }
  const isSignedIn = async (cookie: string, index: number) => {
    const { text } = await cluster.send('/who', cookie)
    return (JSON.parse(text) as { subject: unknown }).subject === `user ${index}`
  }
  await inParallel(8, sessions, signIn)
  return {
    cluster,
    counted,
    way: one.way,
    cookies,
    signIn,
    async holdingTokens(act) {
      const acting = act()
      held = acting.catch(() => {})
      return acting.finally(() => {
        held = undefined
      })
    },
    expire: () => cluster.pass(TOKEN_LIFETIME),
    async signedIn() {
      const answers = await Promise.all(cookies.map(isSignedIn))
      return cookies.filter((_, i) => answers[i])
    },
    async close() {
      await cluster.close()
      await Promise.all([one.way.close(), other.way.close()])
      await provider.close()
    },
  }
}

/** Returns a secret for the processes. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Does something many times, a few at once. */
export async function inParallel(width: number, times: number, act: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < times) await act(next++)
  }
  await Promise.all(Array.from({ length: width }, work))
}
