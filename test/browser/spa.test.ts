import type { Page } from 'playwright-core'
import { beforeEach, expect } from 'vitest'
import { createReportsApi } from '../../examples/shared/reports-api.js'
import { type RunningExample, startBeside } from '../../examples/shared/start.js'
import { audience, createApp, providerOptions, registration } from '../../examples/spa/app.js'
import { exampleTest } from '../support/run/chromium.js'
import { describeWith } from '../support/run/requirements.js'

/** The requests that reached the API. */
const received: { method: string | undefined; cookie: string | undefined; authorization: string | undefined }[] = []

const it = exampleTest({
  async createApp(setting) {
    const api = createReportsApi({ issuer: setting.issuer, audience })
    const apiUrl = await startBeside((req, res) => {
      const { cookie, authorization } = req.headers
      received.push({ method: req.method, cookie, authorization })
      api(req, res)
    })
    return createApp({ ...setting, apiUrl })
  },
  registration,
  providerOptions,
})

describeWith('chromium', 'the single-page application example in a browser', () => {
  beforeEach(() => {
    received.length = 0
  })

  async function signIn(page: Page, { baseUrl }: RunningExample, name: RegExp): Promise<void> {
    await page.goto(baseUrl)
    await page.getByRole('link', { name: 'Sign in' }).click()
    expect(new URL(page.url()).hostname).toBe('127.0.0.1')
    await page.getByRole('button', { name }).click()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('Tides').waitFor()
  }

  const add = async (page: Page, title: string) => {
    await page.getByLabel('New report').fill(title)
    await page.getByRole('button', { name: 'Add' }).click()
  }

  it('reads and writes reports, while no token reaches the browser and no cookie reaches the API', async ({
    page,
    example,
  }) => {
    const answers: Promise<string>[] = []
    page.on('response', (response) => {
      if (/\/(user|api\/reports)$/.test(response.url())) answers.push(response.text())
    })
    await signIn(page, example, /Ada/)
    expect(await page.textContent('#name')).toBe('Ada Lovelace')
    await add(page, 'Comets')
    await page.getByRole('listitem').filter({ hasText: 'Comets' }).waitFor()
    expect(received.map(({ method }) => method)).toEqual(['GET', 'POST'])
    expect(received.every(({ cookie }) => cookie === undefined)).toBe(true)
    const tokens = received.map(({ authorization }) => authorization?.replace('Bearer ', '') ?? '')
    expect(tokens.every((token) => token.split('.').length === 3)).toBe(true)
    const seen = `${(await Promise.all(answers)).join()}${JSON.stringify(await page.context().cookies())}`
    expect(seen).toContain('Comets')
    expect(tokens.filter((token) => seen.includes(token))).toEqual([])
    expect(await page.evaluate(() => localStorage.length + sessionStorage.length)).toBe(0)
  })

  it('tells a user without the scope that writing is not allowed', async ({ page, example }) => {
    await signIn(page, example, /Grace/)
    await add(page, 'Compilers')
    await page.getByText('You are not allowed to do that.').waitFor()
    expect(await page.getByRole('listitem').filter({ hasText: 'Compilers' }).count()).toBe(0)
  })

  it('asks to sign in again when the session has ended', async ({ page, example }) => {
    await signIn(page, example, /Ada/)
    await page.context().clearCookies({ name: 'connect.sid' })
    await add(page, 'Too late')
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
  })

  it('signs out at both, so that the next login asks for a user again', async ({ page, example }) => {
    await signIn(page, example, /Ada/)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: /Ada/ }).waitFor()
  })

  it('forwards no cross-site request, none without the script’s header, and none to other routes', async ({
    page,
    example,
  }) => {
    await signIn(page, example, /Ada/)
    received.length = 0
    const statusOf = (path: string, method: string, headers: Record<string, string>) =>
      page.evaluate(async ([path, method, headers]) => (await fetch(path, { method, headers })).status, [
        path,
        method,
        headers,
      ] as const)
    const header = { 'X-Requested-With': 'fetch' }
    expect(await statusOf('/api/reports', 'GET', header)).toBe(200)
    expect(await statusOf('/api/reports', 'POST', {})).toBe(403)
    expect(await statusOf('/api/reports', 'DELETE', header)).toBe(404)
    expect(await statusOf('/api/secrets', 'GET', header)).toBe(404)
    await page.route('https://other.example/', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${example.baseUrl}/api/reports"><button>Win a prize</button></form>`,
      }),
    )
    await page.goto('https://other.example/')
    const answered = page.waitForResponse(`${example.baseUrl}/api/reports`)
    await page.getByRole('button').click()
    expect((await answered).status()).toBe(403)
    expect(received.map(({ method }) => method)).toEqual(['GET'])
  })
})
