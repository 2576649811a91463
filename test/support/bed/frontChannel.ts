import { createHash } from 'node:crypto'
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { expect } from 'vitest'
import { type ErrorCode, RelyingPartyError, type ResponseType } from '../../../src/index.js'
import { type App, type AppOptions, register, startApp, startLocalProvider } from './app.js'
import { type Answer, type Init, UserAgent } from './userAgent.js'

/** Parameters of a form_post response. */
export type Response = Record<string, string>

/** What a test does to a response on its way through the browser. */
export type Tamper = (response: Response, resign: Resign) => Response | Promise<Response>

/** Signs an ID token anew with the provider's own key, its claims changed; `undefined` takes one away. */
export type Resign = (idToken: string | undefined, changes: Readonly<Record<string, unknown>>) => Promise<string>

/** An application with a provider whose signing key the test holds, so that it can say anything in its name. */
export interface FrontChannel {
  readonly app: App
  readonly provider: Awaited<ReturnType<typeof startLocalProvider>>
  /** Signs in, with the response tampered with in the browser. */
  signIn(tamper?: Tamper, browser?: UserAgent): Promise<Answer>
  close(): Promise<void>
}

/** Starts an application that asks for `responseType` at the real provider. */
export async function startFrontChannel(responseType: ResponseType, settings: AppOptions = {}): Promise<FrontChannel> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'front' }
  const implicit = responseType === 'id_token'
  const provider = await startLocalProvider({ host: 'localhost', configuration: { jwks: { keys: [key] as never } } })
  const scope = implicit ? 'openid profile' : 'openid profile offline_access reports:read'
  const app = await startApp(provider.issuer, { ...settings, provider: { responseType, scope, ...settings.provider } })
  await register(provider, app, {
    response_types: [responseType],
    grant_types: implicit ? ['implicit'] : ['implicit', 'authorization_code', 'refresh_token'],
    ...(implicit ? { token_endpoint_auth_method: 'none', client_secret: undefined } : {}),
  })

  const resign: Resign = (idToken = '', changes) => {
    const claims: JWTPayload = { ...decodeJwt(idToken), ...changes }
    return new SignJWT(JSON.parse(JSON.stringify(claims)) as JWTPayload)
      .setProtectedHeader({ alg: 'RS256', kid: 'front' })
      .sign(privateKey)
  }
  return {
    app,
    provider,
    async signIn(tamper = (response) => response, browser = new UserAgent()) {
      const delivery = await browser.visitUntil(`${app.url}/login?returnTo=/who`, `${app.url}/callback`)
      const body = await tamper({ ...(delivery.init.body as Response) }, resign)
      return browser.visit(delivery.url, { ...delivery.init, body } as Init)
    },
    async close() {
      await app.close()
      await provider.close()
    },
  }
}

/** The hash that an ID token signed by RS256 holds of a value. */
export function half(value: string | undefined): string {
  return createHash('sha256')
    .update(value ?? '')
    .digest()
    .subarray(0, 16)
    .toString('base64url')
}

/** Demands that a login was accepted. */
export async function expectSignedIn(login: Promise<Answer>): Promise<void> {
  expect((await login).json()).toEqual({ kind: 'session', subject: 'ada' })
}

/**
 * Demands that a tampered response is refused with a code and leaves nothing behind, and that the same login is accepted
 * if no one meddles with it.
 */
export async function expectRefused({ app, signIn }: FrontChannel, tamper: Tamper, code: ErrorCode): Promise<void> {
  await expectSignedIn(signIn())
  app.errors.length = 0
  const browser = new UserAgent()
  const answer = await signIn(tamper, browser)
  const [error] = app.errors
  expect(error).toBeInstanceOf(RelyingPartyError)
  expect(error).toMatchObject({ code })
  expect(answer.status).toBe((error as RelyingPartyError).status)
  expect((await browser.fetch(`${app.url}/who`)).json()).toEqual({ kind: 'anonymous', subject: null })
}
