import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hasVerifiedEmail, LoginRefusedError } from '../../src/index.js'
import { type App, CLIENT_SECRET, type LocalProvider, register, startApp } from '../support/bed/app.js'
import { useProvider } from '../support/bed/bed.js'
import { UserAgent } from '../support/bed/userAgent.js'

const ADDRESS = 'ada@example.com'

/** Users of another provider, which reports Ada's address for all of them. */
const impostors = [
  { id: 'unverified', claims: { email_verified: false } },
  { id: 'silent', claims: {} },
  { id: 'stringly', claims: { email_verified: 'false' } },
  { id: 'listed', claims: { email_verified: ['true'] } },
  { id: 'numbered', claims: { email_verified: 1 } },
  { id: 'apple', claims: { email_verified: 'true' } },
  { id: 'verified', claims: { email_verified: true } },
  // This one has even the subject of the real Ada.
  { id: 'ada', claims: { email_verified: true } },
].map(({ id, claims }) => ({ id, about: '', claims: { name: id, email: ADDRESS, ...claims } }))

/** Accounts of an application, by issuer and subject, as the README's `onLogin` keeps them. */
const accounts = new Map<string, { readonly email: unknown }>()

const { provider: real } = useProvider()
const { provider: other } = useProvider({ users: impostors })
let app: App

beforeAll(async () => {
  const registration = { clientId: 'app', clientSecret: CLIENT_SECRET, scope: 'openid profile email' }
  app = await startApp('', {
    options: {
      providers: { real: { issuer: real.issuer, ...registration }, other: { issuer: other.issuer, ...registration } },
      onLogin({ claims }) {
        if (!hasVerifiedEmail(claims)) throw new LoginRefusedError('Please verify your e-mail address first.')
        accounts.set(`${String(claims.iss)} ${claims.sub}`, { email: claims.email })
      },
    },
  })
  await register(real, app, { redirect_uris: [`${app.url}/callback/real`] })
  await register(other, app, { redirect_uris: [`${app.url}/callback/other`] })
  return () => app.close()
})
beforeEach(() => accounts.clear())

/** Signs a user in at a provider with a new browser. Returns the page that follows. */
function signIn({ issuer }: LocalProvider, user: string) {
  const query = new URLSearchParams({ iss: issuer, login_hint: user, target_link_uri: `${app.url}/profile` })
  return new UserAgent().visit(`${app.url}/login?${query}`)
}

describe("an account behind the README's onLogin", () => {
  it.each(['unverified', 'silent', 'stringly', 'listed', 'numbered'])(
    'does not open to a user whose address is %s',
    async (user) => {
      const refused = await signIn(other, user)
      expect(refused.status).toBe(403)
      expect(app.errors.splice(0)).toMatchObject([{ code: 'ERR_LOGIN_REFUSED' }])
      expect(accounts.size).toBe(0)
      expect((await signIn(other, 'verified')).json()).toMatchObject({ sub: 'verified', email_verified: true })
    },
  )

  it.each(['verified', 'ada', 'apple'])(
    'differs from the account of the same address at another provider: %s',
    async (user) => {
      const profiles = [await signIn(real, 'ada'), await signIn(other, user)].map((answer) => answer.json())
      expect(profiles).toMatchObject([
        { iss: real.issuer, sub: 'ada', email: ADDRESS },
        { iss: other.issuer, sub: user, email: ADDRESS },
      ])
      expect([...accounts.keys()]).toEqual([`${real.issuer} ada`, `${other.issuer} ${user}`])
    },
  )

  it('is the same at the next login at that provider', async () => {
    await signIn(real, 'ada')
    await signIn(real, 'ada')
    expect(accounts.size).toBe(1)
  })
})
