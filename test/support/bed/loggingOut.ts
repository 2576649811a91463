import { expect } from 'vitest'
import type { Changes } from '../provider/providerReplies.js'
import { type SpoiledBed, startBed } from './bed.js'
import { expectAccepted, signedInThings } from './conformance.js'
import type { Answer, UserAgent } from './userAgent.js'

/** Logs out as the button of a page does, to `/who?after=logout` by way of the provider. */
export function logOut({ app }: SpoiledBed, browser: UserAgent): Promise<Answer> {
  const returnTo = encodeURIComponent('/who?after=logout')
  return browser.visit(`${app.url}/logout?returnTo=${returnTo}`, { method: 'POST' })
}

/** Logs out and demands that a spoiled return is survived: signed out, at the page of the return, no error. */
export async function expectSurvived(loggedOut: Changes): Promise<void> {
  const control = await startBed({ spoil: {} })
  const usual = await logOut(control, await expectAccepted(control))
  expect(usual.url).toBe(`${control.app.url}/who?after=logout`)

  const bed = await startBed({ spoil: { loggedOut } })
  const browser = await expectAccepted(bed)
  const answer = await logOut(bed, browser)
  expect(answer.status).toBe(200)
  expect(new URL(answer.url).pathname).toBe('/')
  expect(answer.text).toBe('<p>home of anonymous</p>')
  expect(bed.app.errors).toEqual([])
  expect(await signedInThings(bed.app)).toEqual([])
  await expectAccepted(bed)
}
