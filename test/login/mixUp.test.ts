import type { Request } from 'express'
import { beforeEach, describe, expect, it } from 'vitest'
import { type ProviderHint, type ProviderOptions, type RelyingPartyOptions, relyingParty } from '../../src/index.js'
import { type App, CLIENT_SECRET, SECRET, startApp } from '../support/bed/app.js'
import { muteExpress } from '../support/bed/bed.js'
import { codesOf, whoIs } from '../support/bed/observed.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

beforeEach(muteExpress)

/** A provider that supports RFC 9207, or one that does not. */
async function startProvider(names: 'iss' | 'nothing'): Promise<SpoiledProvider> {
  const provider = await SpoiledProvider.start()
  if (names === 'nothing') {
    provider.spoil = {
      metadata: { authorization_response_iss_parameter_supported: undefined },
      authorization: { iss: undefined },
    }
  }
  return provider
}

const at = ({ issuer }: SpoiledProvider): ProviderOptions => ({ issuer, clientId: 'app', clientSecret: CLIENT_SECRET })

async function start(options: Partial<RelyingPartyOptions>): Promise<App> {
  const app = await startApp('', { options })
  return app
}

/** The way to start a login at one of the two: by its name or its tenant. */
type Begin = (agent: UserAgent, app: App, name: 'honest' | 'evil') => Promise<URL>

const byName: Begin = async (agent, app, name) =>
  new URL(String((await agent.send(`${app.url}/login?provider=${name}`)).headers.location))

const byTenant: Begin = async (agent, app, name) =>
  new URL(String((await agent.send(`${app.url}/login`, { headers: { 'x-tenant': name } })).headers.location))

/**
 * Runs the attack of RFC 9700 §4.4: the evil provider redirects the victim to the honest one, requests the code that the
 * attacker's login needs, and waits for the application to deliver that code.
 *
 * @returns the user that the attacker is signed in as
 */
async function mixUp(app: App, honest: SpoiledProvider, evil: SpoiledProvider, begin: Begin): Promise<string | null> {
  const attacker = new UserAgent()
  const own = await begin(attacker, app, 'honest')
  evil.spoil = {
    ...evil.spoil,
    reply: {
      authorization() {
        const asked = new URL(own)
        asked.searchParams.set('state', evil.requests('authorization').at(-1)?.parameters.get('state') ?? '')
        return { status: 302, headers: { location: asked.href }, body: '' }
      },
    },
  }
  const victim = new UserAgent()
  await victim.visit((await begin(victim, app, 'evil')).href)
  expect(await whoIs(victim, app.url)).toBeNull()
  expect(honest.requests('authorization')).toHaveLength(1)
  const code = evil.requests('token').at(-1)?.parameters.get('code')
  if (!code) return null
  const state = own.searchParams.get('state') ?? ''
  await attacker.visit(`${own.searchParams.get('redirect_uri')}?${new URLSearchParams({ code, state })}`)
  return whoIs(attacker, app.url)
}

/** Signs in at both providers without an attack. Returns where each redirected the browser. */
async function expectBothWork(
  app: App,
  begin: Begin,
  providers: Record<'honest' | 'evil', SpoiledProvider>,
): Promise<string[]> {
  const addresses: string[] = []
  for (const name of ['honest', 'evil'] as const) {
    const provider = providers[name]
    const { reply: _, ...usual } = provider.spoil
    provider.spoil = usual
    const browser = new UserAgent()
    const begun = await begin(browser, app, name)
    const response = await browser.visitUntil(begun.href, app.url)
    const answer = await browser.send(response.url, response.init)
    expect(app.errors).toEqual([])
    expect(answer.headers.location).toBe(`${app.url}/`)
    const address = String(begun.searchParams.get('redirect_uri'))
    expect(response.url.split('?')[0]).toBe(address)
    expect(provider.requests('token').at(-1)?.parameters.get('redirect_uri')).toBe(address)
    addresses.push(address)
  }
  return addresses
}

const byHeader = (providers: Record<string, ProviderOptions>) => (req: Request, hint?: ProviderHint) =>
  providers[hint?.name ?? String(req.headers['x-tenant'])] as ProviderOptions

describe('a mix-up by one of several providers', () => {
  it.each<[string, Begin, (providers: Record<string, ProviderOptions>) => Partial<RelyingPartyOptions>]>([
    ['providers by name', byName, (providers) => ({ providers })],
    ['tenants', byTenant, (providers) => ({ provider: byHeader(providers) })],
    [
      'tenants with names',
      byTenant,
      ({ honest, evil }) => ({
        provider: byHeader({ honest: { ...honest, name: 'honest' }, evil: { ...evil, name: 'evil' } } as never),
      }),
    ],
    [
      'tenants with paths',
      byTenant,
      ({ honest, evil }) => ({
        provider: byHeader({ honest, evil: { ...evil, callbackPath: '/callback' } } as never),
      }),
    ],
    [
      'one at the default path of all',
      byName,
      ({ honest, evil }) => ({ providers: { honest: { ...honest, callbackPath: '/callback' }, evil } as never }),
    ],
  ])('gets no code of another: %s', async (_, begin, options) => {
    const [honest, evil] = [await startProvider('nothing'), await startProvider('nothing')]
    const app = await start(options({ honest: at(honest), evil: at(evil) }))
    expect(await mixUp(app, honest, evil, begin)).toBeNull()
    expect(evil.requests('token')).toEqual([])
    expect(codesOf(app)).toEqual(['ERR_ISSUER_MISMATCH'])
    const addresses = await expectBothWork(app, begin, { honest, evil })
    expect(new Set(addresses).size).toBe(2)
  })

  it.each([
    ['corp', '/callback/corp'],
    ['Café & co', '/callback/Caf%C3%A9%20%26%20co'],
  ])('has a path of its own also where it is the only one so far: %s', async (name, path) => {
    const only = await startProvider('nothing')
    const app = await start({ providers: { [name]: at(only) } })
    const browser = new UserAgent()
    const response = await browser.visitUntil(`${app.url}/login`, app.url)
    expect(response.url).toContain(`${path}?`)
    await browser.visit(response.url)
    expect(app.errors).toEqual([])
    expect(await whoIs(browser, app.url)).toBe('ada')
  })

  it('has a path that a proxy may decode', async () => {
    const only = await startProvider('nothing')
    const app = await start({ providers: { 'corp: a/b (%)': at(only) } })
    const browser = new UserAgent()
    const response = await browser.visitUntil(`${app.url}/login`, app.url)
    expect(response.url).toContain('/callback/corp%3A%20a%2Fb%20(%25)?')
    await browser.visit(response.url.replace('%3A', ':').replace('(', '%28'))
    expect(app.errors).toEqual([])
    expect(await whoIs(browser, app.url)).toBe('ada')
  })

  it('cannot share a path that only a proxy would write in another way', () => {
    const issuers = ['https://one.example', 'https://two.example'].map((issuer) => ({
      issuer,
      clientId: 'app',
      clientSecret: 's',
    }))
    const create =
      (...paths: string[]) =>
      () =>
        relyingParty({
          baseUrl: 'https://app.example',
          secret: SECRET,
          providers: Object.fromEntries(issuers.map((one, i) => [`p${i}`, { ...one, callbackPath: String(paths[i]) }])),
        })
    expect(create('/back/a:b', '/back/a%3Ab')).toThrow(configurationErrorSaying(/is the callback path of two issuers/))
    expect(create('/back/a/b', '/back/a%2Fb')).not.toThrow()
  })

  it('is refused at the former shared path', async () => {
    const [honest, evil] = [await startProvider('nothing'), await startProvider('nothing')]
    const app = await start({ providers: { honest: at(honest), evil: at(evil) } })
    const browser = new UserAgent()
    const begun = await byName(browser, app, 'evil')
    const response = await browser.visitUntil(begun.href, app.url)
    expect(response.url).toContain('/callback/evil?')
    expect((await browser.clone().send(response.url.replace('/evil?', '?'))).status).toBe(400)
    expect(codesOf(app)).toEqual(['ERR_ISSUER_MISMATCH'])
    expect(evil.requests('token')).toEqual([])
  })
})

describe('providers that share a callback path', () => {
  it('all send iss, which reveals a mix-up', async () => {
    const [honest, evil] = [await startProvider('iss'), await startProvider('iss')]
    const app = await start({ sharedCallback: true, providers: { honest: at(honest), evil: at(evil) } })
    expect(await mixUp(app, honest, evil, byName)).toBeNull()
    expect(codesOf(app)).toEqual(['ERR_ISSUER_MISMATCH'])
    expect(await expectBothWork(app, byName, { honest, evil })).toEqual(Array(2).fill(`${app.url}/callback`))
  })

  it('do not include one that sends no iss: users are not redirected to it', async () => {
    const [honest, evil] = [await startProvider('nothing'), await startProvider('iss')]
    const app = await start({ sharedCallback: true, providers: { honest: at(honest), evil: at(evil) } })
    expect((await new UserAgent().send(`${app.url}/login?provider=honest`)).status).toBe(500)
    expect(app.errors.splice(0)).toEqual([
      configurationErrorSaying(/sharedCallback cannot be used with the provider honest.*remove sharedCallback/),
    ])
    expect(honest.requests('authorization')).toEqual([])
  })

  it('can be combined with one that sends no iss, at its own path', async () => {
    const [honest, evil] = [await startProvider('nothing'), await startProvider('iss')]
    const providers = { honest: { ...at(honest), callbackPath: '/callback/honest' }, evil: at(evil) }
    const app = await start({ sharedCallback: true, providers })
    expect(await mixUp(app, honest, evil, byName)).toBeNull()
    expect(codesOf(app)).toEqual(['ERR_ISSUER_MISMATCH'])
    expect(await expectBothWork(app, byName, { honest, evil })).toEqual([
      `${app.url}/callback/honest`,
      `${app.url}/callback`,
    ])
  })

  it('still require iss if the metadata stops announcing it during a login', async () => {
    const evil = await startProvider('iss')
    const metadata = { issuer: evil.issuer, jwks_uri: `${evil.issuer}/jwks`, token_endpoint: `${evil.issuer}/token` }
    const announced = { ...metadata, authorization_endpoint: `${evil.issuer}/authorize` } as Record<string, unknown>
    announced.authorization_response_iss_parameter_supported = true
    const options = { ...at(evil), metadata: announced as ProviderOptions['metadata'] & object }
    const app = await start({ sharedCallback: true, providers: { evil: options } })
    const login = async (iss: string | undefined) => {
      evil.spoil = { authorization: { iss } }
      announced.authorization_response_iss_parameter_supported = true
      const browser = new UserAgent()
      const response = await browser.visitUntil(`${app.url}/login?provider=evil`, `${app.url}/callback`)
      announced.authorization_response_iss_parameter_supported = false
      return browser.visit(response.url)
    }
    expect((await login(undefined)).status).toBe(400)
    expect(codesOf(app)).toEqual(['ERR_ISSUER_MISMATCH'])
    expect((await login(evil.issuer)).status).toBe(200)
  })
})
