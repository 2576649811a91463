import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PagesOptions } from '../../src/pages/options.js'
import type { Page, SignInChoice } from '../../src/pages/page.js'
import { sendSignInPage } from '../../src/pages/signInPage.js'
import { open, pagesOf } from './support.js'

const choice = (more: Partial<SignInChoice> = {}): SignInChoice => ({
  name: 'corp',
  displayName: 'Corp',
  url: '/app/login/corp',
  brand: undefined,
  lastUsed: false,
  ...more,
})

function openSignIn(
  providers: readonly SignInChoice[] = [choice()],
  options?: PagesOptions,
  headers?: Record<string, string>,
) {
  const pages = pagesOf(options)
  return open((req, res) => sendSignInPage(pages, req, res, { providers, returnTo: '/reports' }), headers)
}

/** The color that a rule of the page's style sets, in light and in dark. */
function colorsIn(text: string, property: string, selector = '.brand-0'): (string | undefined)[] {
  const style = /<style>(.*?)<\/style>/s.exec(text)?.[1] ?? ''
  const rules = style.split('\n').filter((line) => line.includes(`${selector} {`))
  const find = (lines: string[]) =>
    lines.flatMap((line) => line.split(selector).slice(1)).flatMap((rule) => rule.split(/[{};]/))
  const values = (lines: string[]) =>
    find(lines).flatMap((rule) => (rule.trim().startsWith(`${property}:`) ? [rule.split(': ')[1]?.trim()] : []))
  return [
    ...values(rules.filter((line) => !line.startsWith('@media'))),
    ...values(rules.filter((line) => line.startsWith('@media'))),
  ]
}

describe('the sign-in page', () => {
  it('is an HTML document with language, one heading, landmarks, and links to the providers', async () => {
    const { status, headers, text } = await openSignIn([choice(), choice({ displayName: 'Other', url: '/o?a=1&b=2' })])
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(text).toMatch(/^<!doctype html>\n<html lang="en" dir="ltr">/)
    expect(text.match(/<h1>.*<\/h1>/g)).toEqual(['<h1>Sign in</h1>'])
    expect(text.match(/<main>/g)).toHaveLength(1)
    expect(text).toContain('<title>Sign in</title>')
    expect(text).toMatch(/<li><a class="[^"]+" href="\/app\/login\/corp"><span>Continue with Corp<\/span><\/a><\/li>/)
    expect(text).toContain('href="/o?a=1&amp;b=2"')
  })

  it('allows only its own style, no script, form or frame, and is not stored', async () => {
    const { headers, text } = await openSignIn()
    const style = /<style>(.*?)<\/style>/s.exec(text)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
    )
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
    })
    expect(text).not.toMatch(/<script|<link|<img| style=| on[a-z]+=/)
  })

  it.each([
    ['de-CH,de;q=0.9', 'de', 'Weiter mit Corp'],
    ['ja', 'ja', 'Corp で続ける'],
    ['sv, xx', 'en', 'Continue with Corp'],
  ])('is in the language of the browser: %s', async (accepted, language, label) => {
    const { headers, text } = await openSignIn([choice()], undefined, { 'Accept-Language': accepted })
    expect(text).toContain(`<html lang="${language}" dir="ltr">`)
    expect(text).toContain(`<span>${label}</span>`)
    expect(headers).toMatchObject({ 'content-language': language, vary: 'Accept-Language' })
  })

  it('escapes names of providers and of the application, and URLs', async () => {
    const evil = `<img src=x onerror=alert(1)>"'&{application}`
    const providers = [
      choice({ displayName: evil, url: `/"><script>alert(1)</script>`, brand: { mark: '"><script>' } }),
    ]
    const { text } = await openSignIn(providers, { applicationName: '<b>App</b>' })
    expect(text).not.toMatch(/<img|<script|<b>/)
    expect(text).toContain('Continue with &lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;{application}')
    expect(text).toContain('<h1>Sign in to &lt;b&gt;App&lt;/b&gt;</h1>')
    expect(text).toContain('<header>&lt;b&gt;App&lt;/b&gt;</header>')
  })

  it('marks the provider that was used last', async () => {
    const { text } = await openSignIn([choice({ lastUsed: true }), choice()])
    expect(text.match(/Last used/g)).toHaveLength(1)
  })

  it('shows marks as decoration, and a provider without one as text', async () => {
    const { text } = await openSignIn([choice({ brand: { mark: 'M0 0h24v24z' } }), choice()])
    expect(text.match(/<svg /g)).toHaveLength(1)
    expect(text).toContain(
      '<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="M0 0h24v24z"/></svg>',
    )
  })

  it.each([
    ['a readable pair', { background: '#1877f2', color: '#000' }, ['#000000']],
    ['white on yellow', { background: '#ffee00', color: '#ffffff' }, ['#000000']],
    ['no text color', { background: '#5865f2' }, ['#ffffff']],
    ['no color at all', { background: 'red;} body{display:none' }, []],
  ])('keeps the text on a colored button readable: %s', async (_what, brand, expected) => {
    const { text } = await openSignIn([choice({ brand })])
    expect(colorsIn(text, 'color')).toEqual(expected)
    expect(text).not.toContain('display:none')
  })

  it('draws the edge of a button that is as light or as dark as the page', async () => {
    const edges = async (background: string) =>
      colorsIn((await openSignIn([choice({ brand: { background } })])).text, 'border-color')
    expect(await edges('#ffffff')).toEqual(['var(--rp-border)', '#ffffff'])
    expect(await edges('#1b1f23')).toEqual(['#1b1f23', 'var(--rp-border)'])
  })

  it('colors a mark without a background only where it can be seen', async () => {
    const { text } = await openSignIn([choice({ brand: { mark: 'M0 0', color: '#181717' } })])
    expect(colorsIn(text, 'fill', '.brand-0 svg')).toEqual(['#181717', 'currentColor'])
  })

  it('can be a template, which gets the texts and the providers', async () => {
    let given: Page | undefined
    const { text, headers } = await openSignIn(
      [choice()],
      {
        render: (page, _req, res) => {
          given = page
          res.send('my own')
        },
      },
      { 'Accept-Language': 'de' },
    )
    expect(text).toBe('my own')
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'content-language': 'de' })
    expect(headers['content-security-policy']).toBeUndefined()
    expect(given).toMatchObject({ kind: 'sign-in', language: 'de', title: 'Anmelden', returnTo: '/reports' })
    expect(given?.texts.continueWith).toBe('Weiter mit {provider}')
    expect(given).toMatchObject({ providers: [{ name: 'corp', url: '/app/login/corp' }] })
  })
})
