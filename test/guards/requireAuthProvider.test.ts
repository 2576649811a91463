import { afterAll, beforeAll, expect, it } from 'vitest'
import { callback, login, requireAuth } from '../../src/index.js'
import { type App, CLIENT_SECRET, register, startApp } from '../support/bed/app.js'
import { useProvider } from '../support/bed/bed.js'
import { codesOf } from '../support/bed/observed.js'

const { provider, browser } = useProvider()
let app: App
const client = (clientId: string) => ({ issuer: provider.issuer, clientId, clientSecret: CLIENT_SECRET })

beforeAll(async () => {
  app = await startApp(provider.issuer, {
    options: { providers: { staff: client('staff'), guests: client('guests') } },
    routes(each) {
      each.all('/callback/:provider', callback())
      each.get('/staff', requireAuth({ provider: 'staff' }), (req, res) => void res.json({ at: req.auth.provider }))
      each.get('/any', requireAuth(), (req, res) => void res.json({ at: req.auth.provider }))
      each.get('/login/guests', login({ provider: 'guests', returnTo: '/any' }))
    },
  })
  for (const client_id of ['staff', 'guests']) {
    await register(provider, app, { client_id, redirect_uris: [`${app.url}/callback/${client_id}`] })
  }
})
afterAll(() => app.close())

it('lets a session of that provider through', async () => {
  expect((await browser.visit(`${app.url}/staff`)).json()).toEqual({ at: 'staff' })
  expect((await browser.send(`${app.url}/staff`)).json()).toEqual({ at: 'staff' })
  expect((await browser.send(`${app.url}/any`)).json()).toEqual({ at: 'staff' })
})

it('answers a session of another provider as if no one were signed in', async () => {
  expect((await browser.visit(`${app.url}/login/guests`)).json()).toEqual({ at: 'guests' })
  const page = await browser.send(`${app.url}/staff`)
  expect([page.status, page.headers.location]).toEqual([303, '/login?returnTo=%2Fstaff&provider=staff'])
  const script = await browser.fetch(`${app.url}/staff`)
  expect([script.status, script.json()]).toEqual([
    401,
    { error: 'authentication_required', loginUrl: '/login?provider=staff' },
  ])
  expect((await browser.send(`${app.url}/any`)).json()).toEqual({ at: 'guests' })
})

it('leads someone signed in elsewhere through a login there, and back', async () => {
  await browser.visit(`${app.url}/login/guests`)
  const answer = await browser.visit(`${app.url}/staff`)
  expect([answer.url, answer.json()]).toEqual([`${app.url}/staff`, { at: 'staff' }])
  expect(codesOf(app)).toEqual([])
})

it('ends in ERR_LOGIN_LOOP, not in a circle, where the login signs in at another provider', async () => {
  const other = await startApp(provider.issuer, {
    options: { providers: { staff: client('staff'), guests: client('guests') } },
    routes(each) {
      each.get('/login', login({ provider: 'guests' }))
      each.all('/callback/:provider', callback())
      each.get('/staff', requireAuth({ provider: 'staff' }))
    },
  })
  await register(provider, other, { client_id: 'guests', redirect_uris: [`${other.url}/callback/guests`] })
  expect((await browser.visit(`${other.url}/staff`)).status).toBe(508)
  expect(codesOf(other)).toEqual(['ERR_LOGIN_LOOP'])
})
