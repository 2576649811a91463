import type { Bed } from './bed.js'
import type { Init, UserAgent } from './userAgent.js'

/** Goes through a login up to the provider's response, and gives the callback's request unsent. */
export function upToCallback(
  browser: UserAgent,
  { app }: Pick<Bed, 'app'>,
  path = '/profile',
): Promise<{ url: string; init: Init }> {
  return browser.visitUntil(app.url + path, `${app.url}/callback`)
}

/** A callback request, unsent. */
export type Callback = Awaited<ReturnType<typeof upToCallback>>

/** The parameters of a callback request, whichever way they travel. */
export function responseParameters({ url, init: { body } }: Callback): URLSearchParams {
  return new URLSearchParams(body ?? new URL(url).search)
}

/** The callback request with other parameters: `undefined` leaves one out. */
export function withParameters(callback: Callback, changes: Readonly<Record<string, string | undefined>>): Callback {
  const parameters = responseParameters(callback)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) parameters.delete(name)
    else parameters.set(name, value)
  }
  if (callback.init.body !== undefined) return { ...callback, init: { ...callback.init, body: parameters } }
  const url = new URL(callback.url)
  url.search = parameters.toString()
  return { ...callback, url: url.href }
}
