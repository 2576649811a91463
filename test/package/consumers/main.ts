import express from 'express'
import { callback, login, logout, type RelyingPartyError, relyingParty, requireAuth } from 'express-relying-party'
import session from 'express-session'

const { BASE_URL = '', ISSUER = '' } = process.env
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
  const sub: string | undefined = req.auth.claims?.sub
  res.json({ sub })
})
app.use((error: RelyingPartyError, _req: express.Request, _res: express.Response, next: express.NextFunction) => {
  console.error(error.code, error.status)
  next(error)
})
app.listen(Number(new URL(BASE_URL).port), '127.0.0.1', () => console.log('listening'))
