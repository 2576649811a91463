import type { RequestHandler } from 'express'
import { assertNotMounted } from '../lib/check.js'
import { sendSignedOutPage } from '../pages/signedOutPage.js'
import { isInquiry } from '../request/navigation.js'
import { sessionMiddleware } from '../session/sessionCaller.js'
import { startPage } from '../setup/urls.js'

/**
 * Sends the page after a logout, with ways to sign in again and to the start page. Users who are signed in are redirected
 * to the start page.
 *
 * @example
 * ```ts
 * app.post('/logout', logout({ returnTo: '/signed-out' }))
 * app.get('/signed-out', signedOutPage())
 * ```
 */
export function signedOutPage(): RequestHandler
export function signedOutPage(mounted?: unknown): RequestHandler {
  assertNotMounted('signedOutPage', mounted)
  return sessionMiddleware('signedOutPage()', async ({ config, auth }, req, res) => {
    res.set('Cache-Control', 'no-store')
    if (isInquiry(req)) return void res.end()
    if (auth.isAuthenticated) return res.redirect(303, config.origin + startPage(config))
    await sendSignedOutPage(config.pages, req, res, config.paths.login)
  })
}
