import type { RequestHandler } from 'express'
import { configurationError } from '../errors.js'
import { assertOptions, type Shape } from '../lib/check.js'
import { sendSignInPage } from '../pages/signInPage.js'
import { isInquiry } from '../request/navigation.js'
import { assertNoSubresource } from '../request/refusals.js'
import { returnToOption } from '../request/returnTo.js'
import { queryParameter } from '../request/url.js'
import { sessionMiddleware } from '../session/sessionCaller.js'
import { destination, loginUrl } from '../setup/urls.js'
import { choicesFor } from './choice.js'

/** Options of {@link signInPage}. */
export interface SignInPageOptions {
  /** The path of this application to return to after login. Default is the query parameter `returnTo`, or `/`. */
  returnTo?: string
}

const SHAPE: Shape<SignInPageOptions> = { returnTo: returnToOption }

/**
 * Sends the page that lists the providers to sign in with, the one that this browser used last first.
 *
 * `login()` sends the same page if there are several providers and none is chosen; this is for an address of its own, and
 * for applications with one provider. Users who are signed in are redirected to `returnTo`.
 *
 * @throws `ERR_CONFIGURATION`, also at a request if `provider` is a function; `ERR_NOT_NAVIGATED`
 *
 * @example
 * ```ts
 * app.get('/sign-in', signInPage())
 * ```
 */
export function signInPage(options: SignInPageOptions = {}): RequestHandler {
  assertOptions<SignInPageOptions>(options, 'signInPage', SHAPE)
  return sessionMiddleware('signInPage()', async ({ config, auth }, req, res) => {
    res.set('Cache-Control', 'no-store')
    assertNoSubresource(req)
    if (config.providers.source === 'resolver') {
      throw configurationError('signInPage()', 'cannot list the providers of a function', 'use the option providers')
    }
    if (isInquiry(req)) return void res.end()
    const returnTo = destination(config, options.returnTo ?? queryParameter(req, 'returnTo'))
    if (auth.isAuthenticated) return res.redirect(303, config.origin + returnTo)
    const providers = choicesFor(config, req, (name) => loginUrl(config, returnTo, name))
    await sendSignInPage(config.pages, req, res, { providers, returnTo })
  })
}
