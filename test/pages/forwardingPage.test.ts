import express from 'express'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { sendForwardingPage } from '../../src/pages/forwardingPage.js'
import { refreshOf } from '../support/bed/userAgent.js'
import { pagesOf } from './support.js'

const pages = pagesOf({ texts: { en: { signingOut: 'Signing <out>', continue: 'Continue & more' } } })

async function pageTo(url: string, before: (res: express.Response) => void = () => {}) {
  const app = express().set('env', 'test')
  app.get('/', (req, res) => {
    before(res)
    sendForwardingPage(pages, req, res, url, 'signingOut')
  })
  app.use(((_error, _req, res, _next) => void res.sendStatus(500)) as express.ErrorRequestHandler)
  return supertest(app).get('/')
}

describe('a page that forwards the browser', () => {
  it('works without a script, has a link, a title and a language, and is not stored', async () => {
    const url = 'https://op.example/logout?client_id=app&state=x'
    const { status, headers, text } = await pageTo(url)
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    expect(headers['content-type']).toMatch(/^text\/html; charset=utf-8/)
    expect(refreshOf({ text })).toBe(url)
    expect(text).toContain('<html lang="en" dir="ltr">')
    expect(text).toContain('<title>Signing &lt;out&gt;</title>')
    expect(text).toContain('<a href="https://op.example/logout?client_id=app&amp;state=x">Continue &amp; more</a>')
    expect(text).not.toMatch(/<script|<form| style=| on[a-z]+=/)
  })

  it('replaces the policy that was set for the response, and allows only its own style', async () => {
    const { headers } = await pageTo('https://op.example/', (res) => res.set('Content-Security-Policy', 'sandbox'))
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'none'; base-uri 'none'/,
    )
  })

  it.each([
    'https://op.example/?a="><script>alert(1)</script>',
    "https://op.example/'onmouseover='alert(1)",
    'https://op.example/?a=<b>&amp;#;url=https://evil.example',
  ])('keeps every URL inside its attribute: %s', async (url) => {
    const { text } = await pageTo(url)
    expect(refreshOf({ text })).toBe(new URL(url).href)
    expect(text.match(/<script|<b>|'/g)).toBeNull()
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', '/path'])('does not go to %s', async (url) => {
    expect((await pageTo(url)).status).toBe(500)
    expect((await pageTo('http://127.0.0.1:1/path')).status).toBe(200)
  })
})
