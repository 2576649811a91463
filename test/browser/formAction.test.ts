import type { Express } from 'express'
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished } from 'vitest'
import { startProvider } from '../../examples/provider/index.js'
import { login } from '../../src/index.js'
import { type App, register, startApp } from '../support/bed/app.js'
import { browserTest as it } from '../support/run/chromium.js'
import { describeWith } from '../support/run/requirements.js'

/** Helmet's default, without `upgrade-insecure-requests`, which would require TLS of the loopback server. */
const HELMET = [
  "default-src 'self'",
  "base-uri 'self'",
  "font-src 'self' https: data:",
  "form-action 'self'",
  "frame-ancestors 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src 'self'",
  "script-src-attr 'none'",
  "style-src 'self' https: 'unsafe-inline'",
].join(';')
const NOTHING = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

type SetPolicy = (app: Express, policy: string) => void

const byMiddleware: SetPolicy = (app, policy) =>
  void app.use((_req, res, next) => {
    res.setHeader('Content-Security-Policy', policy)
    next()
  })

/** Sets the policy of every response last, as a proxy does. */
const byProxy: SetPolicy = (app, policy) =>
  void app.use((_req, res, next) => {
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => typeof res
    res.writeHead = (...args: unknown[]) => {
      res.setHeader('Content-Security-Policy', policy)
      return writeHead(...args)
    }
    next()
  })

async function start(policy: string, setPolicy: SetPolicy): Promise<{ app: App; issuer: string }> {
  const provider = await startProvider({ host: 'localhost' })
  onTestFinished(() => provider.close())
  const form = (action: string, label: string) =>
    `<form method="post" action="${action}"><button>${label}</button></form>`
  const app = await startApp(provider.issuer, {
    provider: { prompt: 'consent' },
    before: (express) => setPolicy(express, policy),
    routes(express) {
      express.get('/page', (_req, res) => {
        res.send(
          form('/logout?returnTo=/who', 'Sign out') +
            form('/logout?returnTo=/profile', 'Change user') +
            form('/login', 'Sign in') +
            form('/elsewhere', 'Go to the provider') +
            form('/guarded', 'Go to a guarded page'),
        )
      })
      express.post('/login', login())
      express.post('/elsewhere', (_req, res) => res.redirect(303, provider.issuer))
      express.post('/guarded', (_req, res) => res.redirect(303, '/profile'))
    },
  })
  onTestFinished(() => app.close())
  await register(provider, app)
  return { app, issuer: provider.issuer }
}

async function press(page: Page, app: App, label: string): Promise<void> {
  await page.goto(`${app.url}/page`)
  await page.getByRole('button', { name: label }).click()
}

async function signIn(page: Page, app: App): Promise<void> {
  await page.goto(`${app.url}/profile`)
  await page.getByRole('button', { name: /Ada/ }).click()
  await page.getByRole('button', { name: 'Approve' }).click()
  await page.waitForURL(`${app.url}/profile`)
}

describeWith('chromium', "form-action 'self'", () => {
  it('blocks a form POST that redirects to the provider, directly or through another page', async ({ page }) => {
    const { app } = await start(HELMET, byMiddleware)
    for (const label of ['Go to the provider', 'Go to a guarded page']) {
      const blocked = page.waitForEvent('console', (message) => message.text().includes('form-action'))
      await press(page, app, label)
      await blocked
      expect(page.url()).toBe(`${app.url}/page`)
    }
  })

  describe.each<[string, string, SetPolicy]>([
    ["helmet's defaults", HELMET, byMiddleware],
    ["default-src 'none' of a proxy", NOTHING, byProxy],
  ])('with %s', (_, policy, setPolicy) => {
    it('lets a form POST sign out at the application and at the provider', async ({ page }) => {
      const { app, issuer } = await start(policy, setPolicy)
      await signIn(page, app)
      await press(page, app, 'Sign out')
      await page.waitForURL(`${app.url}/who`)
      expect(await page.textContent('body')).toContain('"kind":"anonymous"')
      // The provider asks for a sign-in again.
      await page.goto(`${app.url}/profile`)
      await page.getByRole('button', { name: /Ada/ }).waitFor()
      expect(new URL(page.url()).origin).toBe(issuer)
    })

    it('lets a form POST start a login', async ({ page }) => {
      const { app, issuer } = await start(policy, setPolicy)
      await press(page, app, 'Sign in')
      await page.getByRole('button', { name: /Ada/ }).waitFor()
      expect(new URL(page.url()).origin).toBe(issuer)
    })

    it('lets a logout redirect to a guarded page, and from there to the login', async ({ page }) => {
      const { app, issuer } = await start(policy, setPolicy)
      await press(page, app, 'Change user')
      await page.getByRole('button', { name: /Ada/ }).waitFor()
      expect(new URL(page.url()).origin).toBe(issuer)
    })
  })
})
