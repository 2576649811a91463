import type { SessionData, Store } from 'express-session'
import type { App } from './app.js'
import { type Answer, refreshOf, type UserAgent } from './userAgent.js'

/** The error codes that reached the application's error handler since they were last asked for. */
export function codesOf(app: App): unknown[] {
  return app.errors.splice(0).map((error) => (error as { code?: unknown }).code ?? error)
}

/** Who the application takes the browser for. */
export async function whoIs(browser: UserAgent, url: string): Promise<string | null> {
  return (await browser.fetch(`${url}/who`)).json<{ subject: string | null }>().subject
}

/** The parameters of the request to the provider that a login or logout answers with. */
export function authorizationRequest(answer: Answer): URLSearchParams {
  return new URL(refreshOf(answer) ?? String(answer.headers.location)).searchParams
}

/** The cookies of logins in progress. */
export function transactionCookies(browser: UserAgent, url: string): [string, string][] {
  return [...browser.cookies(url)].filter(([name]) => /^(__Host-)?rp\.[\w-]{7}$/.test(name))
}

/** Everything a store holds, by key. */
export function contentsOf(store: Store): Promise<Record<string, SessionData>> {
  return new Promise((resolve, reject) => {
    store.all?.((error: unknown, all) => {
      if (error) reject(error instanceof Error ? error : new Error('the store failed'))
      else resolve((all ?? {}) as Record<string, SessionData>)
    })
  })
}
