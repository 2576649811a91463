import express from 'express'
import { callback, login, logout, relyingParty, requireAuth } from 'express-relying-party'
import session from 'express-session'

const { BASE_URL, ISSUER } = process.env
const secret = 'a secret of this test and of nothing else'

const app = express()
app.use(session({ secret, resave: false, saveUninitialized: false }))
app.use(
  relyingParty({
    baseUrl: BASE_URL,
    secret,
    provider: { issuer: ISSUER, clientId: 'consumer', clientSecret: 'consumer secret' },
  }),
)
app.get('/login', login())
app.all('/callback', callback())
app.post('/logout', logout())
app.get('/profile', requireAuth(), (req, res) => {
  res.json({ sub: req.auth.claims.sub })
})
app.listen(new URL(BASE_URL).port, '127.0.0.1', () => console.log('listening'))
