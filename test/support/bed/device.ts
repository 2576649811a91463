import { UserAgent } from './userAgent.js'

/** What a device shows. */
export interface ShownCode {
  readonly verification_uri_complete: string
}

/** Answers a device's request in a browser of the user's own: opens the page with the code and confirms, or aborts. */
export async function answerDevice({ verification_uri_complete: uri }: ShownCode, approve = true): Promise<void> {
  const browser = new UserAgent()
  const page = await browser.visit(uri)
  const fields = [...page.text.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g)]
  const body: Record<string, string> = Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]))
  const answered = { ...body, ...(approve ? {} : { abort: 'yes' }) }
  const done = await browser.visit(uri.replace(/\?.*/, ''), { method: 'POST', body: answered, from: page.url })
  const expected = approve ? 'Device connected' : 'was not connected'
  if (!done.text.includes(expected))
    throw new Error(`the provider did not say "${expected}": ${done.text.slice(0, 2000)}`)
}
