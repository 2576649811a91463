import { expect } from 'vitest'
import type { Changes } from '../provider/providerReplies.js'
import { expectAccepted, type Flow, signedInThings, startFlow } from './conformance.js'
import type { Answer, UserAgent } from './userAgent.js'

/** Logs out as the button of a page does, to `/who?after=logout` by way of the provider. */
export function logOut({ app }: Flow, browser: UserAgent): Promise<Answer> {
  const returnTo = encodeURIComponent('/who?after=logout')
  return browser.visit(`${app.url}/logout?returnTo=${returnTo}`, { method: 'POST' })
}

/** Logs out and demands that a spoiled return is survived: signed out, at the page of the return, no error. */
export async function expectSurvived(loggedOut: Changes): Promise<void> {
  const control = await startFlow()
  const usual = await logOut(control, await expectAccepted(control))
  expect(usual.url).toBe(`${control.app.url}/who?after=logout`)

  const flow = await startFlow({}, { loggedOut })
  const browser = await expectAccepted(flow)
  const answer = await logOut(flow, browser)
  expect(answer.status).toBe(200)
  expect(new URL(answer.url).pathname).toBe('/')
  expect(answer.text).toBe('<p>home of anonymous</p>')
  expect(flow.app.errors).toEqual([])
  expect(await signedInThings(flow.app)).toEqual([])
  await expectAccepted(flow)
}
