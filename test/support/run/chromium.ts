import { chromium, type LaunchOptions } from 'playwright-core'
import { test } from 'vitest'
import { type Example, startExample } from '../../../examples/shared/start.js'
import { chromiumPath } from './requirements.js'

/** A headless browser that speaks to nobody but the pages it is sent to. */
const launchOptions: LaunchOptions = {
  ...(chromiumPath ? { executablePath: chromiumPath } : {}),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}

/** `it` with a `browser`, one for the file, and a `page` whose cookies no other test has. */
export const browserTest = test
  .extend('launchOptions', { scope: 'file' }, launchOptions)
  .extend('browser', { scope: 'file' }, async ({ launchOptions }, { onCleanup }) => {
    const browser = await chromium.launch(launchOptions)
    onCleanup(() => browser.close())
    return browser
  })
  .extend('page', async ({ browser }, { onCleanup }) => {
    const context = await browser.newContext()
    onCleanup(() => context.close())
    return context.newPage()
  })

/** {@link browserTest} with an `example` that runs beside a provider of its own, one for the file. */
export function exampleTest(program: Example) {
  return browserTest
    .extend('program', { scope: 'file' }, program)
    .extend('example', { scope: 'file' }, async ({ program }, { onCleanup }) => {
      const example = await startExample(program)
      onCleanup(example.close)
      return example
    })
}
