import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest'
import { startProvider } from '../../examples/provider/index.js'
import { type App, register, startApp } from '../support/bed/app.js'
import { browserTest as it } from '../support/run/chromium.js'
import { describeWith } from '../support/run/requirements.js'

type RunningProvider = Awaited<ReturnType<typeof startProvider>>

/** Signs in as Ada on the provider's pages, and approves the request. */
async function signInAtProvider(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Ada/ }).click()
  await page.getByRole('button', { name: 'Approve' }).click()
}

describeWith('chromium', 'signing in with a browser', () => {
  // The application is at 127.0.0.1 and the provider at localhost: two sites, as in production.
  describe.each(['query', 'form_post'] as const)('with %s', (responseMode) => {
    let provider: RunningProvider
    let app: App

    beforeAll(async () => {
      provider = await startProvider({ host: 'localhost' })
      app = await startApp(provider.issuer, {
        provider: { responseMode, prompt: 'consent' },
        routes: (express) => {
          express.get('/basket', (req, res) => {
            const held = req.session as unknown as { basket?: string }
            if (typeof req.query.add === 'string') held.basket = req.query.add
            res.send(`<p>${held.basket ?? 'empty'}</p>`)
          })
          express.get('/page', (_req, res) => {
            res.send('<form method="post" action="/logout?returnTo=/who"><button>Sign out</button></form>')
          })
        },
      })
      await register(provider, app)
    })
    afterAll(async () => {
      await app.close()
      await provider.close()
    })

    it('signs in and returns to the requested page', async ({ page }) => {
      await page.goto(`${app.url}/profile?tab=2`)
      expect(new URL(page.url()).hostname).toBe('localhost')
      await signInAtProvider(page)
      await page.waitForURL(`${app.url}/profile?tab=2`)
      expect(await page.textContent('body')).toContain('"sub":"ada"')
    })

    it('keeps what the anonymous session held', async ({ page }) => {
      await page.goto(`${app.url}/basket?add=apples`)
      const before = (await page.context().cookies(app.url)).find(({ name }) => name === 'connect.sid')
      await page.goto(`${app.url}/login?returnTo=/basket`)
      await signInAtProvider(page)
      await page.waitForURL(`${app.url}/basket`)
      expect(await page.textContent('p')).toBe('apples')
      const after = (await page.context().cookies(app.url)).find(({ name }) => name === 'connect.sid')
      expect(after?.value).not.toBe(before?.value)
    })

    it('finishes two logins started in two tabs', async ({ page }) => {
      const other = await page.context().newPage()
      await page.goto(`${app.url}/profile?tab=one`)
      await other.goto(`${app.url}/profile?tab=two`)
      await signInAtProvider(page)
      await page.waitForURL(`${app.url}/profile?tab=one`)
      await signInAtProvider(other)
      await other.waitForURL(`${app.url}/profile?tab=two`)
    })

    it('stays in the application on reload and on back', async ({ page }) => {
      await page.goto(`${app.url}/who`)
      await page.goto(`${app.url}/profile`)
      await signInAtProvider(page)
      await page.waitForURL(`${app.url}/profile`)
      await page.reload()
      expect(await page.textContent('body')).toContain('"sub":"ada"')
      app.errors.length = 0
      // No page that the back button leads to is an error of the application.
      for (let steps = 0; steps < 4; steps++) {
        await page.goBack().catch(() => undefined)
        if (page.url() === `${app.url}/who`) break
      }
      expect(app.errors).toEqual([])
      await page.goto(`${app.url}/who`)
      expect(await page.textContent('body')).toContain('"kind":"session"')
    })

    it('redirects a response that is delivered again into the application', async ({ page }) => {
      const delivered = page.waitForRequest((request) => request.url().startsWith(`${app.url}/callback`))
      await page.goto(`${app.url}/profile`)
      await signInAtProvider(page)
      const response = await delivered
      await page.waitForURL(`${app.url}/profile`)
      await deliverAgain(page, provider.issuer, response.url(), response.postData())
      await page.waitForURL((url) => url.href === `${app.url}/` || url.href === `${app.url}/profile`)
      expect(await page.textContent('body')).toMatch(/home of session|"sub":"ada"/)
    })

    it('shows an error when the user cancels at the provider, and offers a retry', async ({ page }) => {
      app.errors.length = 0
      await page.goto(`${app.url}/profile`)
      await page.getByRole('button', { name: /Ada/ }).click()
      await page.getByRole('button', { name: 'Deny' }).click()
      await page.waitForURL((url) => url.pathname === '/callback')
      expect(app.errors).toMatchObject([{ code: 'ERR_AUTHORIZATION_DENIED', returnTo: '/profile' }])
      await page.goto(`${app.url}${(app.errors[0] as { retryUrl: string }).retryUrl}`)
      await page.getByRole('button', { name: 'Approve' }).click()
      await page.waitForURL(`${app.url}/profile`)
    })

    it('signs out at the application and at the provider', async ({ page }) => {
      await page.goto(`${app.url}/profile`)
      await signInAtProvider(page)
      await page.waitForURL(`${app.url}/profile`)
      await page.goto(`${app.url}/page`)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL(`${app.url}/who`)
      expect(await page.textContent('body')).toContain('"kind":"anonymous"')
      await page.goto(`${app.url}/profile`)
      await page.getByRole('button', { name: /Ada/ }).waitFor()
    })
  })

  it('sends a SameSite=Strict session cookie from the pages that forward the browser', async ({ page }) => {
    const provider = await startProvider({ host: 'localhost' })
    onTestFinished(() => provider.close())
    const app = await startApp(provider.issuer, {
      provider: { prompt: 'consent' },
      session: { cookie: { sameSite: 'strict' } },
    })
    await register(provider, app)
    await page.goto(`${app.url}/profile`)
    await signInAtProvider(page)
    await page.waitForURL(`${app.url}/profile`)
    // A link on another site: the browser withholds the cookie, but no other login is needed.
    const link = `<a href="${app.url}/profile?by=link">Profile</a>`
    await page.route(`${provider.issuer}/link`, (route) => route.fulfill({ contentType: 'text/html', body: link }))
    await page.goto(`${provider.issuer}/link`)
    await page.getByRole('link').click()
    await page.waitForURL(`${app.url}/profile?by=link`)
    expect(await page.textContent('body')).toContain('"sub":"ada"')
    expect(app.events.filter(({ type }) => type === 'login.started')).toHaveLength(1)
  })
})

/** Delivers an authorization response again, as the provider did: by its URL, or by a form on the provider's site. */
async function deliverAgain(page: Page, issuer: string, url: string, body: string | null): Promise<void> {
  if (body === null) {
    await page.goto(url)
    return
  }
  const fields = [...new URLSearchParams(body)].map(([name, value]) => `<input name="${name}" value="${value}">`)
  const form = `<form method="post" action="${url}">${fields.join('')}<button>Again</button></form>`
  await page.route(`${issuer}/again`, (route) => route.fulfill({ contentType: 'text/html', body: form }))
  await page.goto(`${issuer}/again`)
  await page.getByRole('button', { name: 'Again' }).click()
}
