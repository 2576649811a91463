import express from 'express'
import session from 'express-session'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  callback,
  defineProvider,
  login,
  type OAuth2Provider,
  type RelyingPartyOptions,
  relyingParty,
  requireAuth,
} from '../../src/index.js'
import { listen, SECRET } from '../support/bed/app.js'
import { muteExpress } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const SERVER = 'https://example.com'

/** An OAuth 2.0 server without ID tokens, and an application that signs users in there. */
async function start(provider: Partial<OAuth2Provider> = {}, options: Partial<RelyingPartyOptions> = {}) {
  const user: { answer: unknown } = { answer: { id: 42, name: 'Ada', email: null } }
  const tokenResponse: Record<string, unknown> = { access_token: 'the-token', scope: 'read:user,user:email' }
  const requests: { url: string; body: URLSearchParams; authorization: string | null }[] = []
  const errors: unknown[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const authorization = new Headers(init?.headers).get('authorization')
    requests.push({ url, body: new URLSearchParams(String(init?.body ?? '')), authorization })
    if (url === `${SERVER}/token`) return Response.json(tokenResponse)
    return url === `${SERVER}/me` ? Response.json(user.answer) : new Response(null, { status: 404 })
  }
  const app = express()
  const running = await listen(app)
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }))
  app.use(
    relyingParty({
      baseUrl: running.url,
      secret: SECRET,
      provider: defineProvider({
        authorizationEndpoint: `${SERVER}/authorize`,
        tokenEndpoint: `${SERVER}/token`,
        clientId: 'app',
        clientSecret: 'client secret',
        scope: 'read:user user:email',
        async profile({ fetchJson }) {
          const found = await fetchJson<{ id: number; name: string; email: string | null }>(`${SERVER}/me`)
          return { claims: { sub: String(found.id), name: found.name, email: found.email as string }, raw: found }
        },
        ...provider,
      }),
      http: { fetch },
      ...options,
    }),
  )
  app.get('/login', login())
  app.all('/callback', callback())
  app.get('/who', requireAuth(), (req, res) => {
    const { subject, claims, scopes } = req.auth
    res.json({ subject, claims, scopes })
  })
  app.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    errors.push(error)
    res.sendStatus(500)
  })
  const { url } = running
  return {
    url,
    requests,
    errors,
    tokenResponse,
    user,
    async begin(browser: UserAgent) {
      const answer = await browser.send(`${url}/login`)
      return new URL(String(answer.headers.location)).searchParams
    },
    async respond(browser: UserAgent, state: string | null) {
      return browser.send(`${url}/callback?${new URLSearchParams({ code: 'the-code', state: state ?? '' })}`)
    },
    async who(browser: UserAgent) {
      return browser.send(`${url}/who`, { headers: { accept: 'application/json' } })
    },
  }
}

type Site = Awaited<ReturnType<typeof start>>

async function signIn(site: Site, browser = new UserAgent()): Promise<UserAgent> {
  await site.respond(browser, (await site.begin(browser)).get('state'))
  expect(site.errors).toEqual([])
  return browser
}

beforeEach(muteExpress)

describe('an OAuth 2.0 provider', () => {
  it('signs in the user that profile() finds, under the origin of the server', async () => {
    const site = await start()
    const browser = await signIn(site)
    const { subject, claims, scopes } = (await site.who(browser)).json() as Record<string, unknown>
    expect(subject).toBe('42')
    expect(claims).toEqual({ iss: SERVER, sub: '42', name: 'Ada' })
    expect(scopes).toEqual(['read:user', 'user:email'])
    expect(site.requests.find(({ url }) => url.endsWith('/me'))?.authorization).toBe('Bearer the-token')
  })

  it('gets a code challenge, but no nonce, and spaces as %20', async () => {
    const site = await start()
    const answer = await new UserAgent().send(`${site.url}/login`)
    const location = String(answer.headers.location)
    expect(location).toContain('scope=read%3Auser%20user%3Aemail')
    const sent = new URL(location).searchParams
    expect(sent.get('code_challenge_method')).toBe('S256')
    expect(sent.has('nonce')).toBe(false)
  })

  it('is not believed when it sends an ID token', async () => {
    const site = await start()
    site.tokenResponse.id_token = 'e30.eyJzdWIiOiJldmUifQ.c2ln'
    const browser = await signIn(site)
    expect((await site.who(browser)).json()).toMatchObject({ subject: '42' })
  })

  it.each([
    ['a number as sub', { profile: () => ({ claims: { sub: 42 as unknown as string } }) }],
    ['no sub', { profile: () => ({ claims: { name: 'Ada' } }) }],
    ['nothing', { profile: () => undefined as never }],
  ])('whose profile() returns %s signs no one in', async (_what, provider) => {
    const site = await start(provider)
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_USERINFO_INVALID' }])
    expect((await site.who(browser)).status).toBe(401)
    await signIn(await start())
  })

  it('tells onLogin the raw profile and the rest of the token response, and lets it choose the page', async () => {
    const told: unknown[] = []
    const onLogin: RelyingPartyOptions['onLogin'] = (login) => {
      told.push({ profile: login.profile, tokenResponse: login.tokenResponse, idToken: login.idToken })
      login.returnTo = '/welcome'
    }
    const site = await start({}, { onLogin })
    site.tokenResponse.instance_url = 'https://na1.example'
    const browser = new UserAgent()
    const answer = await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(answer.headers.location).toBe(`${site.url}/welcome`)
    expect(told).toEqual([
      {
        profile: { id: 42, name: 'Ada', email: null },
        tokenResponse: { token_type: 'bearer', scope: 'read:user user:email', instance_url: 'https://na1.example' },
        idToken: undefined,
      },
    ])
  })

  it('does not let onLogin send the user to another site', async () => {
    const leave: RelyingPartyOptions['onLogin'] = (login) => {
      login.returnTo = 'https://evil.example/'
    }
    const site = await start({}, { onLogin: leave })
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
    expect((await site.who(browser)).status).toBe(401)
  })
})

describe('a provider that refuses PKCE', () => {
  it('gets neither challenge nor verifier, and state still binds the login to the browser', async () => {
    const site = await start({ pkce: 'refused' })
    const victim = new UserAgent()
    const attacker = new UserAgent()
    const sent = await site.begin(victim)
    expect(sent.has('code_challenge')).toBe(false)
    const foreign = (await site.begin(attacker)).get('state')
    await site.respond(victim, foreign)
    await site.respond(new UserAgent(), sent.get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_TRANSACTION_MISSING' }, { code: 'ERR_TRANSACTION_MISSING' }])
    expect(site.requests).toEqual([])
    await site.respond(victim, sent.get('state'))
    expect(site.requests.at(0)?.body.has('code_verifier')).toBe(false)
    expect((await site.who(victim)).json()).toMatchObject({ subject: '42' })
  })

  it('needs a client secret', async () => {
    const { clientSecret: _, ...none } = { clientSecret: '', clientAuth: 'none' as const }
    const refused = start({ ...none, clientSecret: undefined as never, pkce: 'refused' })
    await expect(refused).rejects.toThrow(configurationErrorSaying('pkce') as never)
  })
})

describe('a client secret that is a function', () => {
  it('is called for each token request', async () => {
    let calls = 0
    const site = await start({ clientAuth: 'client_secret_post', clientSecret: async () => `secret-${++calls}` })
    await signIn(site)
    await signIn(site)
    const secrets = site.requests.flatMap(({ body }) => body.get('client_secret') ?? [])
    expect(secrets).toEqual(['secret-1', 'secret-2'])
  })

  it('is that of the tenant, even if the tenants differ in nothing else', async () => {
    const secretOf = { a: () => 'secret-a', b: () => 'secret-b' }
    const profile = () => ({ claims: { sub: 'ada' } })
    const provider: RelyingPartyOptions['provider'] = (req) =>
      defineProvider({
        authorizationEndpoint: `${SERVER}/authorize`,
        tokenEndpoint: `${SERVER}/token`,
        clientId: 'app',
        clientAuth: 'client_secret_post',
        clientSecret: req.query.tenant === 'b' ? secretOf.b : secretOf.a,
        callbackPath: '/callback',
        profile,
      })
    const site = await start({}, { provider })
    for (const tenant of ['a', 'b', 'a']) {
      const browser = new UserAgent()
      const begun = await browser.send(`${site.url}/login?tenant=${tenant}`)
      const state = new URL(String(begun.headers.location)).searchParams.get('state') ?? ''
      await browser.send(`${site.url}/callback?${new URLSearchParams({ code: 'c', state, tenant })}`)
    }
    expect(site.errors).toEqual([])
    const secrets = site.requests.flatMap(({ body }) => body.get('client_secret') ?? [])
    expect(secrets).toEqual(['secret-a', 'secret-b', 'secret-a'])
  })

  it('fails the login if it returns none', async () => {
    const site = await start({ clientSecret: () => '' })
    const browser = new UserAgent()
    await site.respond(browser, (await site.begin(browser)).get('state'))
    expect(site.errors).toMatchObject([{ code: 'ERR_CONFIGURATION' }])
  })
})

describe('token requests of another form', () => {
  it('are adapted by the provider', async () => {
    const site = await start({
      adaptTokenRequest: ({ url, headers, body }) => {
        body.set('client_key', 'app')
        return { url, headers, body }
      },
      adaptTokenResponse: (response) => ({ ...(response.data as object) }),
    })
    Object.assign(site.tokenResponse, { data: { access_token: 'the-token' }, access_token: undefined })
    const browser = await signIn(site)
    expect(site.requests.at(0)?.body.get('client_key')).toBe('app')
    expect((await site.who(browser)).json()).toMatchObject({ subject: '42' })
  })
})
