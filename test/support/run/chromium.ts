import { chromium, type LaunchOptions } from 'playwright-core'
import { test } from 'vitest'
import { type Example, startExample } from '../../../examples/shared/start.js'
import { chromiumPath } from './requirements.js'

/** Options of a headless browser that connects only to the pages it visits. */
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

/** `it` with a `browser` for the file, and a `page` with cookies of its own. */
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

/** {@link browserTest} with an `example` and its provider, started once for the file. */
export function exampleTest(program: Example) {
  return browserTest
    .extend('program', { scope: 'file' }, program)
    .extend('example', { scope: 'file' }, async ({ program }, { onCleanup }) => {
      const example = await startExample(program)
      onCleanup(example.close)
      return example
    })
}
