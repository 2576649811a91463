import { randomUUID } from 'node:crypto'
import type { Express } from 'express'
import { expect, it } from 'vitest'
import { backchannelLogout, frontchannelLogout } from '../../../src/index.js'
import { CLIENT_SECRET } from '../bed/app.js'
import { type SpoiledBed, startBed } from '../bed/bed.js'
import { expectAccepted, expectCleanError } from '../bed/conformance.js'
import { type Answer, UserAgent } from '../bed/userAgent.js'
import { keyFor, signJws } from './providerKeys.js'
import { type Changes, changed } from './providerReplies.js'
import type { JwtSpoil } from './spoil.js'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** How a logout token differs from what the provider would send. */
export interface LogoutSpoil extends JwtSpoil {
  readonly claims?: Changes
}

/** Starts a bed whose application has the routes of provider-initiated logout, and whose ID tokens have a `sid`. */
export function startLogoutBed(sid: string | undefined = 'sid-1'): Promise<SpoiledBed> {
  const routes = (app: Express) => {
    app.all('/backchannel-logout', backchannelLogout())
    app.all('/frontchannel-logout', frontchannelLogout())
  }
  return startBed({ routes, spoil: { claims: { sid } } })
}

/** Signs in from another session at the provider. */
export async function signInAs(bed: SpoiledBed, claims: { sub?: string; sid?: string }): Promise<UserAgent> {
  bed.provider.spoil = { claims }
  const browser = new UserAgent()
  await browser.visit(`${bed.app.url}/login`)
  expect(bed.app.errors).toEqual([])
  return browser
}

/** Signs a logout token as the provider does: for Ada's session `sid-1`. */
export async function logoutToken({ provider }: SpoiledBed, spoil: LogoutSpoil = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const usual = {
    iss: provider.issuer,
    sub: 'ada',
    aud: 'app',
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    sid: 'sid-1',
    events: { [EVENT]: {} },
  }
  const header = changed({ alg: 'RS256', typ: 'logout+jwt' }, spoil.header)
  const { jwk, privateKey } = spoil.key?.(provider.keys) ?? keyFor(provider.keys, header.alg, CLIENT_SECRET)
  const payload = JSON.stringify(changed(usual, spoil.claims))
  const jwt = await signJws(spoil.payload?.(payload) ?? payload, { kid: jwk.kid, ...header }, privateKey)
  return spoil.jwt?.(jwt) ?? jwt
}

/** Delivers a logout token from server to server, without cookies. */
export function deliver({ app }: SpoiledBed, token: string): Promise<Answer> {
  return new UserAgent().fetch(`${app.url}/backchannel-logout`, { method: 'POST', body: { logout_token: token } })
}

/** Returns who is signed in in a browser. */
export async function subjectIn({ app }: SpoiledBed, browser: UserAgent): Promise<unknown> {
  return (await browser.fetch(`${app.url}/who`)).json().subject
}

/** Expects that a delivery is answered with 400 and `no-store`, and leaves the session. */
export async function expectKept(bed: SpoiledBed, browser: UserAgent, answer: Answer): Promise<void> {
  expectCleanError(bed, answer, 'ERR_LOGOUT_TOKEN_INVALID')
  expect(answer.status).toBe(400)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(await subjectIn(bed, browser)).toBe('ada')
}

/** Expects that a delivery is answered with 200 and `no-store`, and ends the session. */
export async function expectEnded(bed: SpoiledBed, browser: UserAgent, answer: Answer): Promise<void> {
  expect(bed.app.errors).toEqual([])
  expect(answer.status).toBe(200)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(await subjectIn(bed, browser)).toBeNull()
}

/** Declares that a spoiled logout token is refused and the session kept; unspoiled, it then ends that session. */
export function refusesLogout(what: string, spoil: LogoutSpoil): void {
  it(`refuses ${what}, and ends the session by the same token without it`, async () => {
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    await expectKept(bed, browser, await deliver(bed, await logoutToken(bed, spoil)))
    await expectEnded(bed, browser, await deliver(bed, await logoutToken(bed)))
  })
}

/** Declares that a logout token ends the session. */
export function acceptsLogout(what: string, spoil: LogoutSpoil = {}): void {
  it(`accepts ${what}`, async () => {
    const bed = await startLogoutBed()
    const browser = await expectAccepted(bed)
    await expectEnded(bed, browser, await deliver(bed, await logoutToken(bed, spoil)))
  })
}
