import { describe, expect, it } from 'vitest'
import { expectedIssuers, fitsIssuer } from '../../src/provider/issuers.js'

const issuer = 'https://login.example.com/{tenantid}/v2.0'
const CONTOSO = 'https://login.example.com/contoso/v2.0'

describe('an issuer with a placeholder', () => {
  const issuers = expectedIssuers({ issuer })

  it('is filled with the tenant of the token', () => {
    expect(issuers.issuer({ iss: CONTOSO, tid: 'contoso' })).toBe(CONTOSO)
    expect(issuers.issuer({ iss: CONTOSO, tid: 'fabrikam' })).not.toBe(CONTOSO)
  })

  it.each([undefined, 7, '', '../x', 'a/b', '$&', ['contoso'], 'x'.repeat(101)])('is not filled with %j', (tid) => {
    expect(issuers.issuer({ tid })).toBe(issuer)
  })

  it('fits the issuer of any tenant, and nothing else', () => {
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
