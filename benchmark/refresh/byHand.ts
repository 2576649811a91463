/** One process of an application that signs in and refreshes with openid-client and express-session, without this package. */

import pgSession from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import express, { type NextFunction, type Request, type Response } from 'express'
import session, { type Store } from 'express-session'
import * as openid from 'openid-client'
import pg from 'pg'
import { createClient } from 'redis'
import { serve, settings } from '../../test/storm/process.js'

/** What this application keeps in its sessions. */
interface Held {
  login?: { verifier: string; state: string }
  subject?: string
  accessToken?: string
  refreshToken?: string
  /** In milliseconds since the epoch. */
  expiresAt?: number
}

const { baseUrl, issuer, clientSecret, scope } = settings

// The clock of the provider is not put forward.
const metadata = { client_secret: clientSecret, [openid.clockTolerance]: 86_400 }
const config = await openid.discovery(new URL(issuer), 'app', metadata, undefined, {
  execute: [openid.allowInsecureRequests],
})
const app = express()
app.use(session({ secret: [...settings.secrets], store: await connect(), resave: false, saveUninitialized: false }))

app.get('/login', async (req, res) => {
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  held(req).login = { verifier, state }
  const parameters = {
    redirect_uri: `${baseUrl}/callback`,
    scope,
    state,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    login_hint: String(req.query.login_hint),
    prompt: 'consent',
  }
  res.redirect(openid.buildAuthorizationUrl(config, parameters).href)
})

app.get('/callback', async (req, res) => {
  const { verifier = '', state = '' } = held(req).login ?? {}
  const checks = { pkceCodeVerifier: verifier, expectedState: state }
  const tokens = await openid.authorizationCodeGrant(config, new URL(req.originalUrl, baseUrl), checks)
  await new Promise<void>((resolve, reject) =>
    req.session.regenerate((error: Error | null) => (error ? reject(error) : resolve())),
  )
  keep(req, tokens)
  held(req).subject = tokens.claims()?.sub ?? ''
  res.redirect('/who')
})

app.get('/token', async (req, res) => {
  const { refreshToken, expiresAt = 0 } = held(req)
  if (refreshToken === undefined) return void res.sendStatus(401)
  if (expiresAt - 60_000 < Date.now()) {
    try {
      keep(req, await openid.refreshTokenGrant(config, refreshToken))
    } catch (error) {
      if (!(error instanceof openid.ResponseBodyError)) throw error
      Object.assign(req.session, { subject: undefined, refreshToken: undefined })
      return void res.sendStatus(401)
    }
  }
  res.json({ token: held(req).accessToken })
})

app.get('/who', (req, res) => void res.json({ subject: held(req).subject ?? null }))
app.use((_error: unknown, _req: Request, res: Response, _next: NextFunction) => void res.sendStatus(503))

serve(app)

function held(req: Request): Held {
  return req.session as unknown as Held
}

function keep(req: Request, tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers): void {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in = 0 } = tokens
  Object.assign(req.session, {
    accessToken,
    expiresAt: Date.now() + expires_in * 1000,
    ...(refreshToken ? { refreshToken } : {}),
  })
}

async function connect(): Promise<Store> {
  if (settings.redisUrl) {
    const client = createClient({ url: settings.redisUrl })
    client.on('error', () => {})
    await client.connect()
    return new RedisStore({ client, prefix: 'storm:' })
  }
  const pool = new pg.Pool({ connectionString: settings.postgresUrl, max: 10 })
  pool.on('error', () => {})
  return new (pgSession(session))({ pool, tableName: 'storm_session', createTableIfMissing: false })
}
