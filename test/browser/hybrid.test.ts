import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { createApp, registration } from '../../examples/hybrid/app.js'
import type { RunningExample } from '../../examples/shared/start.js'
import { exampleTest } from '../support/run/chromium.js'
import { describeWith } from '../support/run/requirements.js'

const it = exampleTest({ createApp, registration })

describeWith('chromium', 'the hybrid example in a browser', () => {
  async function signIn(page: Page, { baseUrl }: RunningExample, name: RegExp): Promise<void> {
    await page.goto(`${baseUrl}/profile`)
    expect(new URL(page.url()).hostname).toBe('127.0.0.1')
    await page.getByRole('button', { name }).click()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.waitForURL(`${baseUrl}/profile`)
  }

  it('returns a code and an ID token in one POST, and checks them against each other', async ({ page, example }) => {
    const delivered = page.waitForRequest(`${example.baseUrl}/callback`)
    await signIn(page, example, /Ada/)
    const posted = new URLSearchParams((await delivered).postData() ?? '')
    expect([...posted.keys()]).toEqual(expect.arrayContaining(['code', 'id_token', 'state']))
    await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
    expect(await page.textContent('dl')).toContain('c_hash')
    await page.getByRole('link', { name: 'Reports' }).click()
    await page.getByText('Harvest').waitFor()
  })

  it('refuses the reports to a user without the scope', async ({ page, example }) => {
    await signIn(page, example, /Alan/)
    await page.getByRole('link', { name: 'Reports' }).click()
    await page.getByText('ERR_INSUFFICIENT_SCOPE').waitFor()
  })

  it('refuses a code that was replaced in transit, and stays signed out', async ({ page, example }) => {
    await page.route(`${example.baseUrl}/callback`, async (route) => {
      const fields = new URLSearchParams(route.request().postData() ?? '')
      fields.set('code', `${fields.get('code') ?? ''}x`)
      await route.continue({ postData: fields.toString() })
    })
    await page.goto(`${example.baseUrl}/profile`)
    await page.getByRole('button', { name: /Ada/ }).click()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText('ERR_ID_TOKEN_INVALID').waitFor()
    await page.goto(example.baseUrl)
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
  })
})
