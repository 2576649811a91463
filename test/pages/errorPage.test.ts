import { describe, expect, it } from 'vitest'
import { type ErrorCode, LoginRefusedError, RelyingPartyError } from '../../src/errors.js'
import { type Remedies, sendErrorPage } from '../../src/pages/errorPage.js'
import type { PagesOptions } from '../../src/pages/options.js'
import type { Page } from '../../src/pages/page.js'
import { open, pagesOf } from './support.js'

const REMEDIES: Remedies = { retryUrl: '/app/login?provider=a', signInUrl: '/app/login?in', chooseUrl: '/app/login' }

function openError(error: RelyingPartyError, options?: PagesOptions, headers?: Record<string, string>) {
  const pages = pagesOf(options)
  return open((req, res) => sendErrorPage(pages, req, res, error, REMEDIES), headers)
}

const errorOf = (code: ErrorCode) => new RelyingPartyError(code, 'a message that quotes the provider')

describe('the error page', () => {
  it.each([
    ['ERR_AUTHORIZATION_DENIED', 403, 'Sign-in cancelled', ['Try again', 'Choose another way to sign in']],
    ['ERR_TRANSACTION_EXPIRED', 400, 'The sign-in took too long', ['Try again', 'Choose another way to sign in']],
    ['ERR_ID_TOKEN_INVALID', 400, 'The sign-in failed', ['Try again', 'Choose another way to sign in']],
    ['ERR_UNKNOWN_PROVIDER', 400, 'This way to sign in is not available', ['Choose another way to sign in']],
    ['ERR_STORE_UNAVAILABLE', 503, 'Temporarily unavailable', ['Try again']],
    ['ERR_INSUFFICIENT_SCOPE', 403, 'Access denied', []],
    ['ERR_SESSION_ENDED', 401, 'Please sign in', ['Sign in again']],
    ['ERR_LOGIN_LOOP', 508, 'This site does not recognize your browser', ['Try again']],
    ['ERR_CONFIGURATION', 500, 'Something went wrong', []],
  ] as const)('says what happened and what to do: %s', async (code, status, title, actions) => {
    const answer = await openError(errorOf(code))
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(`<h1>${title}</h1>`)
    const labels = [...answer.text.matchAll(/<a class="[^"]+" href="[^"]+">([^<]+)<\/a>/g)].map(([, label]) => label)
    expect(labels).toEqual([...actions, 'Back to the start page'])
    expect(answer.text).toContain(`>${code}<`)
  })

  it('shows no message of a provider, but the reason of an application, escaped', async () => {
    const { text } = await openError(errorOf('ERR_AUTHORIZATION_FAILED'))
    expect(text).not.toContain('quotes')
    const refused = await openError(new LoginRefusedError('Only <b>staff</b> may sign in.'))
    expect(refused.status).toBe(403)
    expect(refused.text).toContain('<p>Only &lt;b&gt;staff&lt;/b&gt; may sign in.</p>')
    expect((await openError(new LoginRefusedError(''))).text).toContain('This application did not accept your account.')
  })

  it('keeps the headers of the error, is not stored, and has no script', async () => {
    const { headers, text } = await openError(errorOf('ERR_PROVIDER_UNAVAILABLE'))
    expect(headers).toMatchObject({ 'retry-after': '5', 'cache-control': 'no-store' })
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action/)
    expect(text).not.toMatch(/<script| style=| on[a-z]+=/)
  })

  it('has details for developers in development only, escaped', async () => {
    const error = new RelyingPartyError('ERR_CONFIGURATION', 'x.<b> is wrong', { hint: 'write "y"' })
    const send = (env: string) =>
      open((req, res) => {
        req.app.set('env', env)
        return sendErrorPage(pagesOf(), req, res, error, REMEDIES)
      })
    const { text } = await send('development')
    expect(text).toContain('<p>x.&lt;b&gt; is wrong</p>\n<p>write &quot;y&quot;</p>')
    expect(text).toContain('docs/errors.md#err_configuration')
    for (const env of ['production', 'test', '']) expect((await send(env)).text).not.toMatch(/<details|is wrong|write/)
  })

  it('is in the language of the browser', async () => {
    const { text } = await openError(errorOf('ERR_AUTHORIZATION_DENIED'), {}, { 'Accept-Language': 'de' })
    expect(text).toContain('<html lang="de" dir="ltr">')
    expect(text).not.toContain('Sign-in cancelled')
  })

  it('can be sent by a template of the application', async () => {
    const pages: Page[] = []
    const render: PagesOptions['render'] = (page, _req, res) => {
      pages.push(page)
      res.send('own')
    }
    const answer = await openError(errorOf('ERR_AUTHORIZATION_DENIED'), { render })
    expect(answer).toMatchObject({ status: 403, text: 'own' })
    expect(pages).toMatchObject([{ kind: 'error', code: 'ERR_AUTHORIZATION_DENIED', retryUrl: REMEDIES.retryUrl }])
    await openError(errorOf('ERR_METADATA_INVALID'), { render })
    expect(pages[1]).toMatchObject({ status: 502, detail: undefined })
  })
})
