// One application under test, in its own process so that its CPU time can be measured, threads included.
import { memoryUsage } from 'node:process'
import express from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import { importJWK, jwtVerify } from 'jose'
import { resourceServer } from '../../dist/resource-server.js'

const { kind, audience, issuers, issuer, jwk, alg, clockTolerance = 5, ttl = 60 } = JSON.parse(process.argv[2])

/** What runs before the route. */
const protections = {
  bare: async () => undefined,
  /** Answers 401 to every request, as any middleware would. */
  deny: async () => (_req, _res, next) => {
    const headers = { 'WWW-Authenticate': 'Bearer error="invalid_token"' }
    next(Object.assign(new Error('unauthorized'), { status: 401, headers }))
  },
  ours: async () =>
    resourceServer({
      issuer: issuers ?? { issuer, jwksUri: `${issuer}/jwks` },
      audience,
      clockTolerance,
      cache: { ttl },
    }),
  /** The minimum to write by hand: jose with a local key. */
  jose: async () => {
    const key = await importJWK(jwk, alg)
    return async (req, _res, next) => {
      try {
        const [, token = ''] = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '') ?? []
        const { payload } = await jwtVerify(token, key, { issuer, audience, clockTolerance: 5 })
        req.auth = payload
        next()
      } catch (error) {
        next(Object.assign(error, { status: 401, headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } }))
      }
    }
  },
  peer: async () => auth({ issuer, jwksUri: `${issuer}/jwks`, audience, tokenSigningAlg: alg }),
}

const app = express()
const protection = await protections[kind]()
if (protection) app.use(protection)
app.get('/', (_req, res) => res.json({ reports: [] }))
app.use((error, _req, res, _next) => {
  res
    .status(error.status ?? 500)
    .set(error.headers ?? {})
    .json({ error: error.status ?? 500 })
})

const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
server.keepAliveTimeout = 60_000

process.on('message', (asked) => {
  if (asked === 'heap') globalThis.gc()
  const { user, system } = process.cpuUsage()
  process.send({ cpu: user + system, heap: memoryUsage().heapUsed })
})
process.on('disconnect', () => process.exit(0))
