import { beforeEach, describe, expect, it } from 'vitest'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { type OAuth2Site, oauth2, startOAuth2 } from '../support/provider/oauth2Site.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

beforeEach(muteExpress)

const MISSING = { code: 'ERR_TRANSACTION_MISSING' }

async function start(): Promise<OAuth2Site> {
  return startOAuth2(oauth2({ pkce: 'refused' }))
}

/** The response to a login of this browser still signs its user in. */
async function expectSignIn(site: OAuth2Site, browser: UserAgent, state: string | null): Promise<void> {
  await site.respond(browser, state)
  expect((await site.who(browser)).json()).toMatchObject({ subject: '42' })
}

describe('a provider that refuses PKCE', () => {
  it('gets neither challenge nor verifier', async () => {
    const site = await start()
    const browser = new UserAgent()
    const sent = await site.begin(browser)
    expect([...sent.keys()].filter((name) => name.startsWith('code_'))).toEqual([])
    await expectSignIn(site, browser, sent.get('state'))
    expect(site.received('/token').map(({ body }) => body.has('code_verifier'))).toEqual([false])
    expect(site.events.find(({ type }) => type === 'login.verified')).toMatchObject({ checks: ['state', 'profile'] })
  })

  it("signs no one in by an attacker's response, whose state is of another browser", async () => {
    const site = await start()
    const victim = new UserAgent()
    const own = (await site.begin(victim)).get('state')
    const foreign = (await site.begin(new UserAgent())).get('state')
    await site.respond(victim, foreign)
    expect(site.errors).toMatchObject([MISSING])
    expect(site.requests).toEqual([])
    await expectSignIn(site, victim, own)
  })

  it("signs no one in by a victim's response that an attacker's browser delivers", async () => {
    const site = await start()
    const victim = new UserAgent()
    const own = (await site.begin(victim)).get('state')
    const attacker = new UserAgent()
    await site.begin(attacker)
    await site.respond(attacker, own)
    await site.respond(new UserAgent(), own)
    expect(site.errors).toMatchObject([MISSING, MISSING])
    expect(site.requests).toEqual([])
    await expectSignIn(site, victim, own)
  })

  it('signs no one in without the cookie of the login', async () => {
    const site = await start()
    const browser = new UserAgent()
    const state = (await site.begin(browser)).get('state')
    const other = browser.clone()
    for (const name of other.cookies(site.url).keys()) other.deleteCookie(site.url, name)
    await site.respond(other, state)
    expect(site.errors).toMatchObject([MISSING])
    await expectSignIn(site, browser, state)
  })

  it('signs no one in by a response that was used before', async () => {
    const site = await start()
    const browser = new UserAgent()
    const state = (await site.begin(browser)).get('state')
    const thief = browser.clone()
    await expectSignIn(site, browser, state)
    await site.respond(thief, state)
    expect(site.errors).toMatchObject([{ code: 'ERR_TRANSACTION_CONSUMED' }])
    expect((await site.who(thief)).status).toBe(401)
    expect(site.received('/token')).toHaveLength(1)
  })

  it.each([
    ['none', () => ''],
    ['a shorter one', (state: string) => state.slice(0, -1)],
    ['one with a character changed', (state: string) => (state.startsWith('A') ? 'B' : 'A') + state.slice(1)],
    ['two, joined', (state: string) => `${state} ${state}`],
  ])('signs no one in by a response whose state is %s', async (_what, spoil) => {
    const site = await start()
    const browser = new UserAgent()
    const state = (await site.begin(browser)).get('state') ?? ''
    await site.respond(browser, spoil(state))
    expect((await site.who(browser)).status).toBe(401)
    expect(site.requests).toEqual([])
    await expectSignIn(site, browser, state)
  })

  it('finishes each of two logins of one browser with its own state', async () => {
    const site = await startOAuth2(oauth2({ pkce: 'refused' }))
    const browser = new UserAgent()
    const first = (await site.begin(browser, '?returnTo=/first')).get('state')
    const second = (await site.begin(browser, '?returnTo=/second')).get('state')
    const answers = [await site.respond(browser, second), await site.respond(browser, first)]
    expect(answers.map(({ headers }) => headers.location)).toEqual([`${site.url}/second`, `${site.url}/first`])
    expect(site.errors).toEqual([])
  })

  it("gets no code of a login at another provider, and the other's state is refused at its path", async () => {
    const at = (clientId: string) => oauth2({ pkce: 'refused', clientId, clientAuth: 'client_secret_post' })
    const site = await startOAuth2(undefined, { providers: { one: at('one'), two: at('two') } })
    const browser = new UserAgent()
    const deliver = async (path: string) => {
      const state = (await site.begin(browser, '?provider=one')).get('state') ?? ''
      await browser.send(`${site.url}/callback/${path}?${new URLSearchParams({ code: 'the-code', state })}`)
    }
    await deliver('two')
    expect(site.errors).toHaveLength(1)
    expect(site.requests).toEqual([])
    await deliver('one')
    expect(site.received('/token').map(({ body }) => body.get('client_id'))).toEqual(['one'])
    expect((await site.who(browser)).json()).toMatchObject({ subject: '42' })
  })

  it('needs a client secret', async () => {
    const { clientSecret: _, ...withoutSecret } = oauth2({ pkce: 'refused' })
    const refused = startOAuth2({ ...withoutSecret, clientAuth: 'none' })
    await expect(refused).rejects.toThrow(configurationErrorSaying('pkce') as never)
    await startOAuth2({ ...withoutSecret, clientAuth: 'none', pkce: 'supported' })
  })
})
