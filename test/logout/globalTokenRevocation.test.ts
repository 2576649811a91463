import { randomUUID } from 'node:crypto'
import express, { type Express } from 'express'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type GlobalTokenRevocationOptions, globalTokenRevocation } from '../../src/index.js'
import type { AppOptions } from '../support/bed/app.js'
import { muteExpress, type SpoiledBed, startBed } from '../support/bed/bed.js'
import { expectAccepted } from '../support/bed/conformance.js'
import { type Answer, UserAgent } from '../support/bed/userAgent.js'
import { type LogoutSpoil, logoutToken, signInAs, subjectIn } from '../support/provider/logoutTokens.js'
import { SpoiledProvider } from '../support/provider/spoiledProvider.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const PATH = '/global-token-revocation'

const now = () => Math.floor(Date.now() / 1000)

function start(options?: GlobalTokenRevocationOptions, more: AppOptions = {}): Promise<SpoiledBed> {
  const routes = (app: Express) => void app.all(PATH, globalTokenRevocation(options))
  return startBed({ routes, spoil: {}, ...more })
}

/** Signs the token of a request as the identity provider does, five minutes long. */
function requestToken(bed: SpoiledBed, { header, claims, ...spoil }: LogoutSpoil = {}): Promise<string> {
  const usual = {
    sub: 'app',
    aud: bed.app.url + PATH,
    nbf: now() - 300,
    exp: now() + 300,
    jti: randomUUID(),
    sid: undefined,
    events: undefined,
  }
  const typ = { typ: 'global-token-revocation+jwt' }
  return logoutToken(bed, {
    ...spoil,
    header: { ...typ, ...(header as object) },
    claims: { ...usual, ...(claims as object) },
  })
}

const ofUser = (iss: string, sub = 'ada') => ({ sub_id: { format: 'iss_sub', iss, sub } })

function send({ app, provider }: SpoiledBed, token: string, body: unknown = ofUser(provider.issuer)): Promise<Answer> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  return new UserAgent().fetch(app.url + PATH, { method: 'POST', headers, body: JSON.stringify(body) })
}

beforeEach(muteExpress)

describe('a revocation request', () => {
  it('ends all sessions of its user, and of no one else', async () => {
    const bed = await start()
    const browsers = [await expectAccepted(bed), await signInAs(bed, {})]
    const grace = await signInAs(bed, { sub: 'grace' })
    const answer = await send(bed, await requestToken(bed))
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' })
    expect(answer.headers['cache-control']).toBe('no-store')
    for (const browser of browsers) expect(await subjectIn(bed, browser)).toBeNull()
    expect(await subjectIn(bed, grace)).toBe('grace')
    expect(bed.app.events).toContainEqual(expect.objectContaining({ type: 'sessions.ended', reason: 'security_event' }))
  })

  it('has an effect once, and is acknowledged again', async () => {
    const bed = await start()
    await expectAccepted(bed)
    const token = await requestToken(bed)
    expect((await send(bed, token)).status).toBe(204)
    const again = await signInAs(bed, {})
    expect((await send(bed, token)).status).toBe(204)
    expect(await subjectIn(bed, again)).toBe('ada')
  })

  it('whose token was used is refused for another user', async () => {
    const bed = await start()
    const grace = await signInAs(bed, { sub: 'grace' })
    const token = await requestToken(bed)
    expect((await send(bed, token)).status).toBe(204)
    expect((await send(bed, token, ofUser(bed.provider.issuer, 'grace'))).status).toBe(401)
    expect(await subjectIn(bed, grace)).toBe('grace')
    expect((await send(bed, await requestToken(bed), ofUser(bed.provider.issuer, 'grace'))).status).toBe(204)
    expect(await subjectIn(bed, grace)).toBeNull()
  })

  it('names its user by e-mail address, if the application can find users by it', async () => {
    const sub_id = { format: 'email', email: 'ada@example.com' }
    const without = await start()
    expect((await send(without, await requestToken(without), { sub_id })).status).toBe(400)
    const bed = await start({ subjectForEmail: async (email) => (email === 'ada@example.com' ? 'ada' : undefined) })
    const browser = await expectAccepted(bed)
    const unknown = { sub_id: { format: 'email', email: 'eve@example.com' } }
    expect((await send(bed, await requestToken(bed), unknown)).status).toBe(404)
    expect(await subjectIn(bed, browser)).toBe('ada')
    expect((await send(bed, await requestToken(bed), { sub_id })).status).toBe(204)
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it('is authenticated by another issuer, such as the organization of an authorization server', async () => {
    const organization = await SpoiledProvider.start()
    onTestFinished(() => organization.close())
    const bed = await start({ issuer: organization.issuer })
    const browser = await expectAccepted(bed)
    expect((await send(bed, await requestToken(bed))).status).toBe(401)
    expect(await subjectIn(bed, browser)).toBe('ada')
    const token = await requestToken({ app: bed.app, provider: organization })
    expect((await send(bed, token, ofUser(organization.issuer))).status).toBe(204)
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it('is for the configured audience', async () => {
    const audience = 'https://app.example.com/revoke'
    const bed = await start({ audience })
    expect((await send(bed, await requestToken(bed))).status).toBe(401)
    expect((await send(bed, await requestToken(bed, { claims: { aud: audience } }))).status).toBe(204)
  })

  it('is read with a body parser in front, too', async () => {
    for (const parser of [express.json(), express.text({ type: 'application/json' })]) {
      const bed = await start({}, { before: (app) => void app.use(parser) })
      const browser = await expectAccepted(bed)
      expect((await send(bed, await requestToken(bed))).status).toBe(204)
      expect(await subjectIn(bed, browser)).toBeNull()
    }
  })
})

describe('a revocation request that is not one', () => {
  it.each<[what: string, spoil: LogoutSpoil]>([
    ['without typ', { header: { typ: undefined } }],
    ['with the typ of a security event', { header: { typ: 'secevent+jwt' } }],
    ['with the typ of an ID token', { header: { typ: 'JWT' } }],
    ['for another URL', { claims: { aud: 'https://other.example/global-token-revocation' } }],
    ['for the client', { claims: { aud: 'app' } }],
    ['of another issuer', { claims: { iss: 'https://other.example' } }],
    ['that has expired', { claims: { exp: now() - 3600 } }],
    ['without exp', { claims: { exp: undefined } }],
    ['that is old, however long it is valid', { claims: { iat: now() - 700 } }],
    ['of the future', { claims: { nbf: now() + 3600 } }],
    ['without jti', { claims: { jti: undefined } }],
    ['with a changed signature', { jwt: (jwt) => `${jwt.slice(0, -8)}AAAAAAAA` }],
    ['without a signature', { header: { alg: 'none' } }],
  ])('is refused for its token, and accepted if that is right: %s', async (_what, spoil) => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    const answer = await send(bed, await requestToken(bed, spoil))
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    expect(answer.json()).toMatchObject({ error: 'invalid_token' })
    expect(await subjectIn(bed, browser)).toBe('ada')
    expect((await send(bed, await requestToken(bed))).status).toBe(204)
    expect(await subjectIn(bed, browser)).toBeNull()
  })

  it.each<[what: string, body: unknown]>([
    ['no subject', {}],
    ['a list', []],
    ['no object', 'ada'],
    ['a user of another issuer', ofUser('https://other.example')],
    ['an unknown format', { sub_id: { format: 'phone_number', phone_number: '+1' } }],
    ['a number as sub', { sub_id: { format: 'iss_sub', sub: 1 } }],
  ])('is refused for naming %s', async (_what, body) => {
    const bed = await start()
    const browser = await expectAccepted(bed)
    const answer = await send(bed, await requestToken(bed), body)
    expect({ status: answer.status, error: answer.json().error }).toEqual({ status: 400, error: 'invalid_request' })
    expect(await subjectIn(bed, browser)).toBe('ada')
  })

  it('has no token, another method, or a body that is too large', async () => {
    const bed = await start()
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(ofUser(bed.provider.issuer))
    const url = bed.app.url + PATH
    expect((await new UserAgent().fetch(url, { method: 'POST', headers, body })).status).toBe(401)
    expect((await new UserAgent().fetch(url)).status).toBe(405)
    expect((await send(bed, await requestToken(bed), { x: 'x'.repeat(300_000) })).status).toBe(413)
  })
})

describe('globalTokenRevocation()', () => {
  it('refuses options that cannot be right', () => {
    const options = (wrong: object) => () => globalTokenRevocation(wrong)
    expect(options({ issuer: 'example' })).toThrow(configurationErrorSaying('globalTokenRevocation.issuer'))
    expect(options({ provider: 'okta' })).toThrow(configurationErrorSaying('globalTokenRevocation.issuer'))
    expect(options({ subjectForEmail: 'email' })).toThrow(configurationErrorSaying('subjectForEmail'))
  })
})
