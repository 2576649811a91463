import { describe, expect, it } from 'vitest'
import { startExpired, tokenOf } from '../support/bed/refreshing.js'

describe('refresh-token', () => {
  it('accepts a refreshed ID token, and returns the new access token', async () => {
    const { bed, browser } = await startExpired()
    const fresh = await tokenOf(bed, browser)
    const [login, refresh, ...more] = bed.provider.requests('token')
    expect(more).toEqual([])
    expect(login?.parameters.get('grant_type')).toBe('authorization_code')
    expect(refresh?.parameters.get('grant_type')).toBe('refresh_token')
    expect(await tokenOf(bed, browser)).toBe(fresh)
    expect(bed.provider.requests('token')).toHaveLength(2)
  })

  it('authenticates the client at a refresh as at a login', async () => {
    const { bed, browser } = await startExpired()
    await tokenOf(bed, browser)
    const [login, refresh] = bed.provider.requests('token')
    expect(refresh?.headers.authorization).toBe(login?.headers.authorization)
  })

  it('accepts a refresh without an ID token, and keeps a refresh token that is not rotated', async () => {
    const { bed, browser } = await startExpired()
    bed.provider.spoil = { tokens: { id_token: undefined, refresh_token: undefined, expires_in: 0 } }
    await tokenOf(bed, browser)
    bed.provider.spoil = {}
    await tokenOf(bed, browser)
    const [, first, second] = bed.provider.requests('token')
    expect(second?.parameters.get('refresh_token')).toBe(first?.parameters.get('refresh_token'))
  })

  it('never uses a refresh token that was rotated', async () => {
    const { bed, browser } = await startExpired()
    bed.provider.spoil = { tokens: { expires_in: 0 } }
    await tokenOf(bed, browser)
    bed.provider.spoil = {}
    await tokenOf(bed, browser)
    const [, first, second] = bed.provider.requests('token')
    expect(second?.parameters.get('refresh_token')).not.toBe(first?.parameters.get('refresh_token'))
  })
})
