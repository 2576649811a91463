// @ts-check
// One process of the application. Any number of them can serve the same users.
import { RedisStore } from 'connect-redis'
import express from 'express'
import { backchannelLogout, callback, login, relyingParty, requireAuth, storeErrors } from 'express-relying-party'
import { redisStore } from 'express-relying-party/redis'
import session from 'express-session'
import { createClient } from 'redis'

const [, , name = '', settings = '{}'] = process.argv
const { port, baseUrl, issuer, redisUrl, clientSecret, secret } = JSON.parse(settings)

const client = createClient({ url: redisUrl, disableOfflineQueue: true })
client.on('error', (error) => console.error(`${name}: ${error}`))
await client.connect()

const app = express()
app.use(
  session({
    store: new RedisStore({ client }),
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: { secure: 'auto', sameSite: 'lax' },
  }),
)
app.use(
  relyingParty({
    baseUrl,
    secret,
    store: redisStore(client),
    provider: { issuer, clientId: 'cluster', clientSecret, scope: 'openid profile offline_access' },
    onEvent({ type }) {
      if (type.startsWith('session')) console.log(`  ${name}: ${type}`)
    },
  }),
)
app.use(storeErrors())
app.get('/login', login())
app.all('/callback', callback())
app.post('/backchannel-logout', backchannelLogout())
app.get('/token', requireAuth(), async (req, res) => {
  res.send(await req.auth.getAccessToken())
})
app.get('/', (req, res) => {
  res.send(`${name} sees ${req.auth.claims.name ?? 'no one'}`)
})
app.listen(port, '127.0.0.1', () => process.send?.('listening'))
process.on('disconnect', () => process.exit())
