import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished } from 'vitest'
import { startProvider } from '../../examples/provider/index.js'
import { deviceLogin, signedOutPage, signInPage } from '../../src/index.js'
import { google } from '../../src/providers.js'
import { type App, CLIENT_SECRET, register, startApp } from '../support/bed/app.js'
import { muteExpress } from '../support/bed/bed.js'
import { browserTest as it } from '../support/run/chromium.js'
import { describeWith } from '../support/run/requirements.js'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Returns the rules that a page breaks. The scanner runs in a world of its own, so the page's policy stays on. */
async function violationsOf(page: Page): Promise<string[]> {
  const client = await page.context().newCDPSession(page)
  const { frameTree } = await client.send('Page.getFrameTree')
  const world = { frameId: frameTree.frame.id, worldName: 'axe' }
  const { executionContextId: contextId } = await client.send('Page.createIsolatedWorld', world)
  await client.send('Runtime.evaluate', { expression: axe, contextId })
  const expression = `axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))`
  const run = { expression, contextId, awaitPromise: true, returnByValue: true }
  const { result, exceptionDetails } = await client.send('Runtime.evaluate', run)
  expect(exceptionDetails).toBeUndefined()
  return result.value as string[]
}

describeWith('chromium', 'the built-in pages', () => {
  let provider: Awaited<ReturnType<typeof startProvider>>
  let app: App

  beforeEach(muteExpress)
  beforeAll(async () => {
    provider = await startProvider({ host: 'localhost', features: { deviceFlow: { enabled: true } } })
    const local = { issuer: provider.issuer, clientId: 'app', clientSecret: CLIENT_SECRET, scope: 'openid' }
    const providers = {
      google: google({ clientId: 'app', clientSecret: 'client secret' }),
      local: { ...local, displayName: 'Local', brand: { background: '#ffee00' } },
    }
    app = await startApp(provider.issuer, {
      options: { provider: undefined, providers } as object,
      handlesErrors: false,
      routes: (express) => {
        express.get('/sign-in', signInPage())
        express.get('/signed-out', signedOutPage())
        express.all('/device', deviceLogin({ provider: 'local' }))
        express.get('/broken', (_req, res) => void res.type('html').send('<img src="x">'))
      },
    })
    await register(provider, app, {
      redirect_uris: [`${app.url}/callback/local`],
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
    })
  })
  afterAll(async () => {
    await app.close()
    await provider.close()
  })

  it('are scanned by a scanner that finds faults', async ({ page }) => {
    await page.goto(`${app.url}/broken`)
    expect(await violationsOf(page)).not.toEqual([])
  })

  describe.each(['light', 'dark'] as const)('in %s colors', (colorScheme) => {
    it.for([
      ['/sign-in', 'Sign in'],
      ['/login?provider=unknown', 'This way to sign in is not available'],
      ['/callback/google', 'The sign-in was interrupted'],
      ['/signed-out', 'You are signed out'],
    ] as const)('have no fault that axe-core knows, and fit on a phone: %s', async ([path, title], { page }) => {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width: 390, height: 800 })
      await page.goto(app.url + path)
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(title)
      expect(await violationsOf(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    })
  })

  it('include the page of a device login, in the language of the browser', async ({ browser }) => {
    const context = await browser.newContext({ locale: 'de-DE' })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.goto(`${app.url}/device`)
    expect(await page.getByRole('heading').textContent()).toBe('Mit einem anderen Gerät anmelden')
    expect(await violationsOf(page)).toEqual([])
  })

  it('can be used by keyboard', async ({ page }) => {
    await page.goto(`${app.url}/signed-out`)
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Sign in again')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${app.url}/login`)
    expect(await page.getByRole('link').allTextContents()).toEqual(['Continue with Google', 'Continue with Local'])
  })
})
