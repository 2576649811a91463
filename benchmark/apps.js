// One application, written in three ways. All have /login and /callback; those that sign users in also have /profile.
import { createHash } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import * as openid from 'openid-client'
import { transports } from './transports.js'

const secret = 'a secret of at least thirty-two characters'
const scope = 'openid profile email'
const client = { clientId: 'app', clientSecret: 'the client secret' }

/** The ways to write it. */
const builders = { package: usePackage, hand: wireByHand, bare: leaveOutOAuth }

const [, , kind, transport, issuer] = process.argv
const app = express()
app.use(session({ secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
const server = app.listen(0, '127.0.0.1', () => void start())

async function start() {
  const baseUrl = `http://127.0.0.1:${server.address().port}`
  await builders[kind](baseUrl)
  process.on('message', () => process.send({ cpu: process.cpuUsage() }))
  process.on('disconnect', () => process.exit())
  process.send({ baseUrl })
}

async function usePackage(baseUrl) {
  const { callback, login, relyingParty, requireAuth } = await import('express-relying-party')
  app.use(relyingParty({ baseUrl, secret, provider: { issuer, ...client, scope } }))
  app.get('/login', login())
  app.all('/callback', callback())
  app.get('/profile', requireAuth(), (req, res) => res.json({ name: req.auth.claims.name }))
}

/** As the documentation of openid-client shows it: no check of the ID token's signature, tokens in the session. */
async function wireByHand(baseUrl) {
  const config = await openid.discovery(new URL(issuer), client.clientId, client.clientSecret, undefined, {
    execute: [openid.allowInsecureRequests],
    ...(transports[transport] ? { [openid.customFetch]: transports[transport] } : {}),
  })
  app.get('/login', async (req, res) => {
    const codeVerifier = openid.randomPKCECodeVerifier()
    const state = openid.randomState()
    const nonce = openid.randomNonce()
    req.session.login = { codeVerifier, state, nonce, returnTo: '/' }
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: `${baseUrl}/callback`,
      scope,
      state,
      nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    })
    res.redirect(url.href)
  })
  app.get('/callback', async (req, res) => {
    const { codeVerifier, state, nonce, returnTo } = req.session.login
    const tokens = await openid.authorizationCodeGrant(config, new URL(req.originalUrl, baseUrl), {
      pkceCodeVerifier: codeVerifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
    await new Promise((resolve, reject) => req.session.regenerate((error) => (error ? reject(error) : resolve())))
    req.session.claims = tokens.claims()
    req.session.tokens = {
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      idToken: tokens.id_token,
      expiresAt: Date.now() + (tokens.expiresIn() ?? 0) * 1000,
    }
    res.redirect(returnTo)
  })
  app.get('/profile', async (req, res) => {
    if (!req.session.claims) return res.redirect('/login')
    if (req.session.tokens.expiresAt < Date.now()) await refresh(config, req.session)
    res.json({ name: req.session.claims.name })
  })
}

async function refresh(config, session) {
  const tokens = await openid.refreshTokenGrant(config, session.tokens.refreshToken)
  session.tokens.accessToken = tokens.access_token
  session.tokens.refreshToken = tokens.refresh_token ?? session.tokens.refreshToken
  session.tokens.expiresAt = Date.now() + (tokens.expiresIn() ?? 0) * 1000
}

/** A login without OAuth: two redirects, two saved sessions, one POST. Nothing is checked. */
async function leaveOutOAuth() {
  const verifier = 'v'.repeat(43)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  app.get('/login', (req, res) => {
    req.session.login = { returnTo: '/' }
    const query = new URLSearchParams({ nonce: verifier, state: verifier, code_challenge: challenge, scope })
    res.redirect(`${issuer}/authorize?${query}`)
  })
  app.get('/callback', async (req, res) => {
    const response = await transports[transport](`${issuer}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ code: req.query.code, code_verifier: verifier }),
    })
    const tokens = await response.json()
    await new Promise((resolve, reject) => req.session.regenerate((error) => (error ? reject(error) : resolve())))
    req.session.tokens = tokens
    res.redirect('/')
  })
}
