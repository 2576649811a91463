import express from 'express'
import request from 'supertest'
import { describe, expect, it } from 'vitest'
import { protectedResourceMetadata, RelyingPartyError, resourceServer } from '../../src/index.js'

const ISSUER = 'https://idp.example'
const RESOURCE = 'https://api.example.com/mcp'
const PATH = '/.well-known/oauth-protected-resource/mcp'

function createServer() {
  const app = express().set('env', 'test')
  app.use(
    protectedResourceMetadata({ resource: RESOURCE, authorizationServers: ISSUER, scopesSupported: ['mcp:tools'] }),
  )
  app.use('/mcp', resourceServer({ issuer: ISSUER, resource: RESOURCE }))
  return app
}

describe('protected resource metadata (RFC 9728)', () => {
  it('is where the challenge of the API points, and names the authorization servers', async () => {
    const app = createServer()
    const { headers } = await request(app).post('/mcp').expect(401)
    expect(headers['www-authenticate']).toBe(`Bearer resource_metadata="https://api.example.com${PATH}"`)
    const { body, headers: served } = await request(app).get(PATH).expect(200)
    expect(body).toEqual({
      resource: RESOURCE,
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header'],
      scopes_supported: ['mcp:tools'],
    })
    expect(served['content-type']).toMatch(/^application\/json/)
    expect(served['access-control-allow-origin']).toBe('*')
  })

  it('names the metadata in every challenge', async () => {
    const { headers } = await request(createServer()).get('/mcp').set('Authorization', 'Bearer a b').expect(400)
    expect(headers['www-authenticate']).toContain('error="invalid_request", resource_metadata="')
  })

  it('answers other methods and passes on other paths', async () => {
    const app = createServer()
    await request(app).head(PATH).expect(200)
    const { headers } = await request(app).options(PATH).expect(204)
    expect(headers['access-control-allow-methods']).toBe('GET')
    await request(app).post(PATH).expect(405)
    await request(app).get('/.well-known/oauth-protected-resource').expect(404)
    await request(app).get(`${PATH}/more`).expect(404)
  })

  it('is at the well-known path itself for a resource without a path', async () => {
    const app = express().use(
      protectedResourceMetadata({ resource: 'https://a.example', authorizationServers: [ISSUER] }),
    )
    await request(app).get('/.well-known/oauth-protected-resource?x=1').expect(200)
  })

  it.each<[string, unknown]>([
    ['no resource', { authorizationServers: ISSUER }],
    ['no issuers', { resource: RESOURCE }],
    ['a resource with a query', { resource: `${RESOURCE}?a=1`, authorizationServers: ISSUER }],
    ['a resource over http', { resource: 'http://api.example.com', authorizationServers: ISSUER }],
    [
      'another resource among the metadata',
      { resource: RESOURCE, authorizationServers: ISSUER, metadata: { resource: 'x' } },
    ],
    [
      'an unknown place for tokens',
      { resource: RESOURCE, authorizationServers: ISSUER, bearerMethodsSupported: ['query'] },
    ],
  ])('refuses %s at construction', (_what, options) => {
    expect(() => protectedResourceMetadata(options as never)).toThrow(RelyingPartyError)
  })
})
