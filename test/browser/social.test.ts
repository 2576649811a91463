import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished } from 'vitest'
import { startSocial } from '../../examples/social/start.js'
import { browserTest } from '../support/run/chromium.js'
import { describeWith } from '../support/run/requirements.js'
import { fakeDate, pass } from '../support/run/waiting.js'

const it = browserTest.extend('app', { scope: 'file' }, async ({ launchOptions: _ }, { onCleanup }) => {
  const app = await startSocial()
  onCleanup(app.close)
  return app
})

/** Signs in at a provider of the sign-in page. */
async function signIn(page: Page, baseUrl: string, provider: string, user: string): Promise<void> {
  await page.goto(`${baseUrl}/profile`)
  await page.getByRole('link', { name: `Continue with ${provider}` }).click()
  await page.getByRole('button', { name: user }).click()
}

const factsOf = async (page: Page) =>
  Object.fromEntries(
    await page
      .locator('dl > div')
      .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent))),
  ) as Record<string, string>

describeWith('chromium', 'social login with a browser', () => {
  it.for([
    [
      'Google',
      { provider: 'google', name: 'Ada Lovelace', email: 'ada@example.com', email_verified: 'true', sub: '1815' },
    ],
    [
      'GitHub',
      { provider: 'github', name: 'Ada Lovelace', email: 'ada@example.com', email_verified: 'true', sub: '1815' },
    ],
    [
      'Apple',
      { provider: 'apple', name: 'Ada Lovelace', email: '1815@privaterelay.example.com', email_verified: 'true' },
    ],
    ['Microsoft', { provider: 'microsoft', name: 'Ada Lovelace', email: 'ada@example.com', email_verified: 'false' }],
  ] as const)('signs in with the account of %s', async ([provider, account], { page, app }) => {
    await signIn(page, app.baseUrl, provider, 'Ada')
    await page.waitForURL(`${app.baseUrl}/profile`)
    expect(await factsOf(page)).toMatchObject(account)
  })

  it('keeps accounts of several providers apart, and shows the last one first', async ({ page, app }) => {
    await signIn(page, app.baseUrl, 'GitHub', 'Grace')
    await page.waitForURL(`${app.baseUrl}/profile`)
    const atGitHub = await factsOf(page)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${app.baseUrl}/signed-out`)
    expect(await page.getByRole('heading').textContent()).toBe('You are signed out')
    await page.getByRole('link', { name: 'Sign in again' }).click()
    const [first] = await page.getByRole('link').allTextContents()
    expect(first).toBe('Continue with GitHub Last used')
    await signIn(page, app.baseUrl, 'Google', 'Grace')
    await page.waitForURL(`${app.baseUrl}/profile`)
    const atGoogle = await factsOf(page)
    expect(atGoogle.email).toBe(atGitHub.email)
    expect(atGoogle.sub).toBe(atGitHub.sub)
    expect(atGoogle.iss).not.toBe(atGitHub.iss)
  })

  describe('a sign-in that fails', () => {
    it.for(['Google', 'GitHub', 'Apple', 'Microsoft'])(
      'because the user cancels at %s offers others',
      async (name, { page, app }) => {
        await signIn(page, app.baseUrl, name, 'Cancel')
        await page.getByRole('heading', { name: 'Sign-in cancelled' }).waitFor()
        await page.getByRole('link', { name: 'Choose another way to sign in' }).click()
        await page.getByRole('link', { name: 'Continue with GitHub' }).click()
        await page.getByRole('button', { name: 'Ada' }).click()
        await page.waitForURL(`${app.baseUrl}/profile`)
      },
    )

    it('because it took too long can be started again', async ({ page, app }) => {
      fakeDate()
      await page.goto(`${app.baseUrl}/profile`)
      await page.getByRole('link', { name: 'Continue with Google' }).click()
      await page.getByRole('button', { name: 'Ada' }).waitFor()
      pass(601)
      await page.getByRole('button', { name: 'Ada' }).click()
      await page.getByRole('heading', { name: 'The sign-in took too long' }).waitFor()
      await page.getByRole('link', { name: 'Try again' }).click()
      await page.getByRole('button', { name: 'Ada' }).click()
      await page.waitForURL(`${app.baseUrl}/profile`)
      expect((await factsOf(page)).provider).toBe('google')
    })

    it('because its cookie is gone can be started again', async ({ page, app }) => {
      await page.goto(`${app.baseUrl}/profile`)
      await page.getByRole('link', { name: 'Continue with Google' }).click()
      await page.getByRole('button', { name: 'Ada' }).waitFor()
      await page.context().clearCookies()
      await page.getByRole('button', { name: 'Ada' }).click()
      await page.getByRole('heading', { name: 'The sign-in was interrupted' }).waitFor()
      await page.getByRole('link', { name: 'Try again' }).click()
      await page.getByRole('link', { name: 'Continue with Google' }).click()
      await page.getByRole('button', { name: 'Ada' }).click()
      await page.waitForURL(/\/(profile)?$/)
      expect((await factsOf(page)).provider).toBe('google')
    })
  })

  it('survives the back button after a login', async ({ page, app }) => {
    await signIn(page, app.baseUrl, 'Apple', 'Grace')
    await page.waitForURL(`${app.baseUrl}/profile`)
    await page.goBack()
    await page.goto(`${app.baseUrl}/login?returnTo=%2Fprofile`)
    await page.waitForURL(`${app.baseUrl}/profile`)
    expect((await factsOf(page)).provider).toBe('apple')
  })

  it('speaks the language of the browser', async ({ browser, app }) => {
    const context = await browser.newContext({ locale: 'de-AT' })
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.goto(`${app.baseUrl}/login`)
    expect(await page.getByRole('link').allTextContents()).toContain('Weiter mit Google')
    await page.getByRole('link', { name: 'Google' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { name: 'Anmeldung abgebrochen' }).waitFor()
  })
})
