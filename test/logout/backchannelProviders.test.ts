import type { Express } from 'express'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { backchannelLogout, type ProviderHint, type ProviderOptions } from '../../src/index.js'
import { type App, CLIENT_SECRET, startApp } from '../support/bed/app.js'
import { muteExpress, type SpoiledBed } from '../support/bed/bed.js'
import { codesOf } from '../support/bed/observed.js'

import { UserAgent } from '../support/bed/userAgent.js'
import { deliver, expectEnded, expectKept, logoutToken, subjectIn } from '../support/provider/logoutTokens.js'
import { createRsaKey } from '../support/provider/providerKeys.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'

beforeEach(muteExpress)

const routes = (app: Express) => void app.all('/backchannel-logout', backchannelLogout())

async function startProviders(claims: { sid: string }): Promise<[SpoiledProvider, SpoiledProvider]> {
  const both = await Promise.all([SpoiledProvider.start(), SpoiledProvider.start()])
  for (const provider of both) {
    provider.spoil = { claims }
    onTestFinished(() => provider.close())
  }
  return both
}

function registration({ issuer }: SpoiledProvider, clientId = 'app'): ProviderOptions {
  return { issuer, clientId, clientSecret: CLIENT_SECRET }
}

async function start(providers: Record<string, ProviderOptions>): Promise<App> {
  const app = await startApp('', { routes, options: { providers } })
  return app
}

async function signInAt({ url }: App, name?: string): Promise<UserAgent> {
  const browser = new UserAgent()
  await browser.visit(`${url}/login${name ? `?provider=${name}` : ''}`)
  return browser
}

describe('among several providers', () => {
  it.each([
    ['sid', {}],
    ['sub', { sid: undefined }],
  ])(
    'a token ends sessions of its own issuer only, even if another issuer uses the same %s and jti',
    async (_, named) => {
      const [one, two] = await startProviders({ sid: 'sid-1' })
      const app = await start({ one: registration(one), two: registration(two) })
      const beds: [SpoiledBed, SpoiledBed] = [
        { app, provider: one },
        { app, provider: two },
      ]
      const [atOne, atTwo] = [await signInAt(app, 'one'), await signInAt(app, 'two')]
      const claims = { ...named, jti: 'the same at both' }
      await expectEnded(beds[0], atOne, await deliver(beds[0], await logoutToken(beds[0], { claims })))
      expect(await subjectIn(beds[1], atTwo)).toBe('ada')
      await expectEnded(beds[1], atTwo, await deliver(beds[1], await logoutToken(beds[1], { claims })))
    },
  )

  it('a token that one provider signs in the name of another ends nothing', async () => {
    const [one, other] = await startProviders({ sid: 'sid-1' })
    other.keys = { ...other.keys, rsa: await createRsaKey() }
    const app = await start({ one: registration(one), other: registration(other) })
    const bed: SpoiledBed = { app, provider: one }
    const browser = await signInAt(app, 'one')
    const forged = await logoutToken({ app, provider: other }, { claims: { iss: one.issuer } })
    await expectKept(bed, browser, await deliver(bed, forged))
    await expectEnded(bed, browser, await deliver(bed, await logoutToken(bed)))
  })

  it('two clients at one issuer each accept the tokens that name them', async () => {
    const [provider] = await startProviders({ sid: 'sid-1' })
    const clients = ['other', 'app', 'last'].map((id) => [id, registration(provider, id)] as const)
    const app = await start(Object.fromEntries(clients))
    const bed: SpoiledBed = { app, provider }
    const browser = await signInAt(app, 'app')
    const tokenFor = (aud: unknown) => logoutToken(bed, { claims: { aud, jti: 'the same for all' } })
    for (const aud of ['other', ['somebody', 'last']]) {
      expect((await deliver(bed, await tokenFor(aud))).status).toBe(200)
      expect(await subjectIn(bed, browser)).toBe('ada')
    }
    await expectEnded(bed, browser, await deliver(bed, await tokenFor(['somebody', 'app'])))
  })

  it("a tenant's token is accepted whichever tenant the request is for, while the tenant's provider is known", async () => {
    const [one, two] = await startProviders({ sid: 'sid-1' })
    let tenant = one
    const app = await startApp('', { routes, options: { provider: () => registration(tenant) } })
    const bed: SpoiledBed = { app, provider: one }
    const browser = await signInAt(app)
    tenant = two
    expect((await deliver(bed, await logoutToken({ app, provider: await SpoiledProvider.start() }))).status).toBe(400)
    expect(codesOf(app)).toEqual(['ERR_LOGOUT_TOKEN_INVALID'])
    expect((await deliver(bed, await logoutToken(bed))).status).toBe(200)
    tenant = one
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it('a process that knows no tenant resolves the provider by iss and aud, and verifies the token with it', async () => {
    const [one, two] = await startProviders({ sid: 'sid-1' })
    const hints: unknown[] = []
    const clients = new Map([one, two].map((provider) => [provider.issuer, registration(provider)]))
    const byHint = (_req: unknown, hint?: ProviderHint) => {
      if (hint) hints.push(hint)
      return clients.get(hint?.issuer ?? one.issuer) as ProviderOptions
    }
    const app = await startApp('', { routes, options: { provider: byHint } })
    const { store } = app
    const other = await startApp('', { routes, store, options: { provider: byHint } })
    onTestFinished(() => Promise.all([app.close(), other.close()]).then(() => {}))
    const [bed, elsewhere]: [SpoiledBed, SpoiledBed] = [
      { app, provider: one },
      { app: other, provider: one },
    ]
    const browser = await signInAt(app)
    const otherKey = await createRsaKey()
    const forged = await logoutToken({ app, provider: two }, { claims: { iss: one.issuer }, key: () => otherKey })
    await expectKept(elsewhere, browser, await deliver(elsewhere, forged))
    expect((await deliver(elsewhere, await logoutToken(bed))).status).toBe(200)
    expect(hints.at(-1)).toEqual({ issuer: one.issuer, clientIds: ['app'] })
    expect(await subjectIn(bed, browser)).toBeNull()
  })
})
