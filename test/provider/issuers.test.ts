import { describe, expect, it } from 'vitest'
import type { ProviderOptions } from '../../src/index.js'
import { expectedIssuers, fitsIssuer } from '../../src/provider/issuers.js'
import { Provider } from '../../src/provider/provider.js'
import { resolveProviderOptions } from '../../src/provider/resolveOptions.js'
import { createProviderServices } from '../../src/provider/services.js'
import { configurationErrorSaying } from '../support/run/configurationError.js'

const issuer = 'https://login.example.com/{tenantid}/v2.0'
const CONTOSO = 'https://login.example.com/contoso/v2.0'

describe('an issuer with a placeholder', () => {
  const issuers = expectedIssuers({ issuer })

  it('is filled with the tenant of the token', () => {
    expect(issuers.issuer({ iss: CONTOSO, tid: 'contoso' })).toBe(CONTOSO)
    expect(issuers.issuer({ iss: CONTOSO, tid: 'fabrikam' })).not.toBe(CONTOSO)
  })

  it.each([undefined, 7, '', '../x', 'a/b', '$&', ['contoso'], 'x'.repeat(101)])('is not filled with %j', (tid) => {
    expect(issuers.issuer({ iss: issuer, tid })).toBeUndefined()
  })

  it('fits the issuer of any tenant, and nothing else', () => {
    expect(issuers.fits(CONTOSO)).toBe(true)
    expect(issuers.fits(issuer)).toBe(false)
    expect(fitsIssuer({ issuer }, CONTOSO)).toBe(true)
    for (const other of [
      issuer,
      'https://login.example.com/a/b/v2.0',
      `${CONTOSO}/`,
      'https://login.example.com//v2.0',
    ]) {
      expect(fitsIssuer({ issuer }, other)).toBe(false)
    }
  })
})

describe('an alias of an issuer', () => {
  const issuers = expectedIssuers({ issuer: 'https://accounts.example.com', issuerAliases: ['accounts.example.com'] })

  it('is accepted, and stands for the issuer', () => {
    expect(issuers.issuer({ iss: 'accounts.example.com' })).toBe('accounts.example.com')
    expect(issuers.canonical('accounts.example.com')).toBe('https://accounts.example.com')
    expect(issuers.fits('accounts.example.com')).toBe(true)
    expect(issuers.fits('accounts.example.net')).toBe(false)
    expect(issuers.issuer({ iss: 'accounts.example.net' })).toBe('https://accounts.example.com')
  })
})

describe('the options of an issuer', () => {
  const CONTEXT = { allowInsecureHttp: false, baseUrlIsSecure: true, baseUrlIsLoopback: false }
  const metadataUrl = 'https://login.example.com/common/.well-known/openid-configuration'
  const resolve = (options: Partial<ProviderOptions>) =>
    resolveProviderOptions({ issuer, clientId: 'app', clientSecret: 'secret', ...options }, 'provider', CONTEXT)

  it.each<[string, Partial<ProviderOptions>]>([
    ['metadataUrl', {}],
    ['issuerAliases', { metadataUrl, issuerAliases: ['login.example.com'] }],
    ['issuer', { metadataUrl, issuer: 'https://login.example.com/{tenant}/v2.0' }],
    ['issuer', { metadataUrl, issuer: 'https://login.example.com/{tenantid}/{tenantid}' }],
    ['issuer', { metadataUrl, issuer: 'https://login.example.com/{tenantid' }],
    ['issuerAliases', { issuer: 'https://login.example.com', issuerAliases: 'login.example.com' as never }],
    ['trustedAudiences', { metadataUrl, trustedAudiences: 'other' as never }],
    ['nonce', { metadataUrl, nonce: false, responseType: 'code id_token' }],
    ['nonce', { metadataUrl, nonce: false, responseType: 'id_token' }],
  ])('are refused with a wrong %s', (option, options) => {
    expect(() => resolve({ metadataUrl })).not.toThrow()
    expect(() => resolve(options)).toThrow(configurationErrorSaying(option) as never)
  })
})

describe('metadata of a shared URL', () => {
  it('is not that of another issuer, even if it was fetched for that one', async () => {
    const metadataUrl = 'https://login.example.com/.well-known/openid-configuration'
    const fetch = async () =>
      Response.json({
        issuer: 'https://login.example.com',
        authorization_endpoint: 'https://login.example.com/authorize',
      })
    const services = createProviderServices({ timeout: 5, maxResponseSize: 10_000, fetch }, 30)
    const provider = (name: string) =>
      new Provider(
        'default',
        resolveProviderOptions({ issuer: name, metadataUrl, clientId: 'app', clientSecret: 'secret' }, 'provider', {
          allowInsecureHttp: false,
          baseUrlIsSecure: true,
          baseUrlIsLoopback: false,
        }),
        services,
      )
    await expect(provider('https://login.example.com').metadata()).resolves.toMatchObject({})
    await expect(provider('https://victim.example.com').metadata()).rejects.toMatchObject({
      code: 'ERR_METADATA_INVALID',
    })
  })
})
