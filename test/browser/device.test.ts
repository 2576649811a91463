import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { createApp, providerOptions, registration } from '../../examples/device/app.js'
import { exampleTest } from '../support/run/chromium.js'
import { describeWith } from '../support/run/requirements.js'

const it = exampleTest({ createApp, registration, providerOptions }).extend(
  'phone',
  async ({ browser }, { onCleanup }) => {
    const phone = await browser.newContext()
    onCleanup(() => phone.close())
    return phone
  },
)

describeWith('chromium', 'the page of a device login in a browser', () => {
  const codeOn = (page: Page) => page.locator('#code').textContent()

  /** Opens the page's link on the phone, enters the code, and responds. */
  async function answer(phone: BrowserContext, screen: Page, choice: 'Approve' | 'Not mine'): Promise<void> {
    const hand = await phone.newPage()
    await hand.goto((await screen.getByRole('link').getAttribute('href')) ?? '')
    expect(new URL(hand.url()).hostname).toBe('127.0.0.1')
    await hand.getByRole('textbox').fill((await codeOn(screen)) ?? '')
    await hand.getByRole('button', { name: 'Continue' }).click()
    await hand.getByText((await codeOn(screen)) ?? 'no code').waitFor()
    if (choice === 'Not mine') return hand.getByRole('button', { name: choice }).click()
    await hand.getByRole('button', { name: 'Connect it' }).click()
    await hand.getByRole('button', { name: /Ada/ }).click()
    await hand.getByRole('button', { name: 'Approve' }).click()
    await hand.getByRole('heading', { name: 'Device connected' }).waitFor()
  }

  it('signs the screen in, and not the phone, once the phone has approved its code', async ({
    page: screen,
    phone,
    example,
  }) => {
    await screen.goto(`${example.baseUrl}/device`)
    await screen.getByRole('img', { name: /QR code/ }).waitFor()
    await answer(phone, screen, 'Approve')
    await screen.waitForURL(`${example.baseUrl}/dashboard`)
    await screen.getByRole('heading', { name: 'Welcome, Ada Lovelace' }).waitFor()
    const other = await phone.newPage()
    expect((await other.goto(`${example.baseUrl}/dashboard`))?.status()).toBe(401)
  })

  it('shows the same code in all tabs, and shows a code without scripts', async ({
    page: screen,
    browser,
    example,
  }) => {
    await screen.goto(`${example.baseUrl}/device`)
    const tab = await screen.context().newPage()
    await tab.goto(`${example.baseUrl}/device`)
    expect(await codeOn(tab)).toBe(await codeOn(screen))
    const plain = await browser.newContext({ javaScriptEnabled: false })
    const still = await plain.newPage()
    await still.goto(`${example.baseUrl}/device`)
    expect(await codeOn(still)).toMatch(/^[A-Z]{4}-[A-Z]{4}$/)
    expect(await codeOn(still)).not.toBe(await codeOn(screen))
    await plain.close()
  })

  it('reports that the user refused, and offers a new code', async ({ page: screen, phone, example }) => {
    await screen.goto(`${example.baseUrl}/device`)
    const refused = await codeOn(screen)
    await answer(phone, screen, 'Not mine')
    await screen.getByRole('heading', { name: 'Not signed in' }).waitFor()
    await screen.getByRole('button', { name: 'Get a new code' }).click()
    await screen.locator('#code').waitFor()
    expect(await codeOn(screen)).not.toBe(refused)
  })
})
