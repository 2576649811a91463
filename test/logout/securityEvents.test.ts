import { randomUUID } from 'node:crypto'
import express, { type Express } from 'express'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type SecurityEventsOptions, securityEvents } from '../../src/index.js'
import { type AppOptions, CLIENT_SECRET, startApp } from '../support/bed/app.js'
import { muteExpress, type SpoiledBed, startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { type LogoutSpoil, logoutToken, signInAs, subjectIn } from '../support/provider/logoutTokens.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'
import { fakeDate, pass } from '../support/run/waiting.js'

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
const TYPE = 'application/secevent+jwt'
const DAY = 86_400

const now = () => Math.floor(Date.now() / 1000)

function start(options?: SecurityEventsOptions, more: AppOptions = {}): Promise<SpoiledBed> {
  return startBed({ routes: (app: Express) => void app.all('/events', securityEvents(options)), spoil: {}, ...more })
}

/** Signs a security event token as the provider does: Ada's session was revoked. */
function eventToken(bed: SpoiledBed, { header, claims, ...spoil }: LogoutSpoil = {}): Promise<string> {
  const usual = {
    exp: undefined,
    sid: undefined,
    sub: undefined,
    jti: randomUUID(),
    sub_id: { format: 'iss_sub', iss: bed.provider.issuer, sub: 'ada' },
    events: { [`${CAEP}session-revoked`]: { event_timestamp: now() } },
  }
  const typ = { typ: 'secevent+jwt' }
  return logoutToken(bed, {
    ...spoil,
    header: { ...typ, ...(header as object) },
    claims: { ...usual, ...(claims as object) },
  })
}

function send({ app }: SpoiledBed, token: string, type = TYPE): Promise<Answer> {
  return new UserAgent().fetch(`${app.url}/events`, { method: 'POST', headers: { 'content-type': type }, body: token })
}

async function expectEnded(bed: SpoiledBed, browser: UserAgent, answer: Answer): Promise<void> {
  expect({ status: answer.status, text: answer.text }).toEqual({ status: 202, text: '' })
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(await subjectIn(bed, browser)).toBeNull()
}

/** Changes a claim of a signed token. */
function withOtherUser(jwt: string): string {
  const [header, payload = '', signature] = jwt.split('.')
  const claims = Buffer.from(payload, 'base64url').toString().replace('"ada"', '"eve"')
  return [header, Buffer.from(claims).toString('base64url'), signature].join('.')
}

beforeEach(muteExpress)

describe('a security event', () => {
  it.each([
    `${CAEP}session-revoked`,
    `${CAEP}credential-change`,
    `${RISC}account-disabled`,
    `${RISC}account-purged`,
    `${RISC}sessions-revoked`,
    `${RISC}credential-compromise`,
  ])('ends all sessions of its user, and of no one else: %s', async (type) => {
    const bed = await start()
    const browsers = [await expectAccepted(bed), await signInAs(bed, {})]
    const grace = await signInAs(bed, { sub: 'grace' })
    const answer = await send(bed, await eventToken(bed, { claims: { events: { [type]: {} } } }))
    for (const browser of browsers) await expectEnded(bed, browser, answer)
    expect(await subjectIn(bed, grace)).toBe('grace')
    expect(bed.app.events).toContainEqual(expect.objectContaining({ type: 'sessions.ended', reason: 'security_event' }))
  })

  it.each<[what: string, claims: (issuer: string) => Record<string, unknown>]>([
    ['an opaque id', () => ({ sub_id: { format: 'opaque', id: 'ada' } })],
    [
      'a user and a session',
      (iss) => ({
        sub_id: {
          format: 'complex',
          user: { format: 'iss_sub', iss, sub: 'ada' },
          session: { format: 'opaque', id: 'x' },
        },
      }),
    ],
    [
      'the event itself, as older drafts do',
      (iss) => ({
        sub_id: undefined,
        events: { [`${RISC}account-disabled`]: { subject: { subject_type: 'iss-sub', iss, sub: 'ada' } } },
      }),
    ],
  ])('names its user by %s', async (_what, claims) => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    await expectEnded(bed, browser, await send(bed, await eventToken(bed, { claims: claims(bed.provider.issuer) })))
  })

  it.each([
    [
      'verification of the stream',
      { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'x' } },
    ],
    ['another event', { [`${CAEP}device-compliance-change`]: {} }],
    ['no event', {}],
  ])('is acknowledged and ignored: %s', async (_what, events) => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    expect((await send(bed, await eventToken(bed, { claims: { events } }))).status).toBe(202)
    expect(await subjectIn(bed, browser)).toBe('ada')
  })

  it('has an effect once, and is acknowledged again', async () => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    const token = await eventToken(bed)
    await expectEnded(bed, browser, await send(bed, token))
    const again = await signInAs(bed, {})
    expect((await send(bed, token)).status).toBe(202)
    expect(await subjectIn(bed, again)).toBe('ada')
  })

  it('is accepted for a day, and not longer', async () => {
    fakeDate()
    const bed = await start()
    const token = await eventToken(bed)
    pass(DAY - 1)
    expect((await send(bed, token)).status).toBe(202)
    pass(32)
    expect((await send(bed, await eventToken(bed))).status).toBe(202)
    expect(await send(bed, await eventToken(bed, { claims: { iat: now() - DAY - 31 } }))).toMatchObject({ status: 400 })
  })

  it('is for the configured audience', async () => {
    const audience = 'https://app.example.com/events'
    const bed = await start({ audience })
    const browser = await expectAccepted(bed)
    const refused = await send(bed, await eventToken(bed))
    expect(refused.status).toBe(400)
    expect(refused.json()).toMatchObject({ err: 'invalid_audience' })
    expect(await subjectIn(bed, browser)).toBe('ada')
    await expectEnded(bed, browser, await send(bed, await eventToken(bed, { claims: { aud: ['x', audience] } })))
  })

  it('is read with a body parser in front, too', async () => {
    for (const parser of [express.text({ type: TYPE }), express.raw({ type: TYPE }), express.json()]) {
      const bed = await start({}, { before: (app) => void app.use(parser) })
      const browser = await expectAccepted(bed)
      await expectEnded(bed, browser, await send(bed, await eventToken(bed)))
    }
  })
})

describe('a security event for several clients of one issuer', () => {
  const AUDIENCE = 'https://app.example.com/events'

  it.each([
    ['all of them by aud', {}, ['app', 'second'], [null, null]],
    ['all of them by the audience of the stream', { audience: AUDIENCE }, AUDIENCE, [null, null]],
    ['one of them', {}, ['second'], ['ada', null]],
  ] as const)('ends the sessions at %s', async (_what, options, aud, left) => {
    const provider = await SpoiledProvider.start()
    onTestFinished(() => provider.close())
    const { issuer } = provider
    const clientSecret = CLIENT_SECRET
    const providers = {
      one: { issuer, clientId: 'app', clientSecret },
      two: { issuer, clientId: 'second', clientSecret },
    }
    const routes = (app: Express) => void app.all('/events', securityEvents(options))
    const app = await startApp('', { routes, options: { providers } })
    const bed: SpoiledBed = { app, provider }
    const signIn = async (name: string, clientId: string) => {
      provider.clientId = clientId
      const browser = new UserAgent()
      await browser.visit(`${app.url}/login?provider=${name}`)
      expect(await subjectIn(bed, browser)).toBe('ada')
      return browser
    }
    const browsers = [await signIn('one', 'app'), await signIn('two', 'second')]
    expect((await send(bed, await eventToken(bed, { claims: { aud } }))).status).toBe(202)
    expect(await Promise.all(browsers.map((browser) => subjectIn(bed, browser)))).toEqual(left)
  })
})

describe('a security event that is not one', () => {
  const otherSubject = { format: 'iss_sub', iss: 'https://other.example', sub: 'ada' }

  it.each<[what: string, err: string, spoil: LogoutSpoil]>([
    ['without typ', 'invalid_request', { header: { typ: undefined } }],
    ['with the typ of another token', 'invalid_request', { header: { typ: 'JWT' } }],
    ['with the typ of a logout token', 'invalid_request', { header: { typ: 'logout+jwt' } }],
    ['with another audience', 'invalid_audience', { claims: { aud: 'other' } }],
    ['without an audience', 'invalid_audience', { claims: { aud: undefined } }],
    ['of another issuer', 'invalid_issuer', { claims: { iss: 'https://other.example' } }],
    ['without iat', 'invalid_request', { claims: { iat: undefined } }],
    ['of the future', 'invalid_request', { claims: { iat: now() + 3600 } }],
    ['that has expired', 'invalid_request', { claims: { exp: now() - 3600 } }],
    ['without jti', 'invalid_request', { claims: { jti: undefined } }],
    ['without events', 'invalid_request', { claims: { events: undefined } }],
    ['with a list of events', 'invalid_request', { claims: { events: [`${CAEP}session-revoked`] } }],
    ['without a subject', 'invalid_request', { claims: { sub_id: undefined } }],
    ['about a user of another issuer', 'invalid_request', { claims: { sub_id: otherSubject } }],
    ['about an e-mail address', 'invalid_request', { claims: { sub_id: { format: 'email', email: 'ada' } } }],
    ['with a changed signature', 'invalid_key', { jwt: (jwt) => `${jwt.slice(0, -8)}AAAAAAAA` }],
    ['with a payload that was not signed', 'invalid_key', { jwt: withOtherUser }],
    ['without a signature', 'invalid_request', { header: { alg: 'none' } }],
  ])('is refused, and accepted if it is right: %s', async (_what, err, spoil) => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    const answer = await send(bed, await eventToken(bed, spoil))
    expect({ status: answer.status, err: answer.json().err }).toEqual({ status: 400, err })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(await subjectIn(bed, browser)).toBe('ada')
    await expectEnded(bed, browser, await send(bed, await eventToken(bed)))
  })

  it('is a logout token, or has another content type, or is too large', async () => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    expect((await send(bed, await logoutToken(bed))).status).toBe(400)
    expect((await send(bed, await eventToken(bed), 'application/jwt')).status).toBe(400)
    expect((await send(bed, `${await eventToken(bed)}${'x'.repeat(300_000)}`)).status).toBe(413)
    expect((await new UserAgent().fetch(`${bed.app.url}/events`)).status).toBe(405)
    expect(await subjectIn(bed, browser)).toBe('ada')
    await expectEnded(bed, browser, await send(bed, await eventToken(bed)))
  })
})
