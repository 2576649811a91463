import { expect } from 'vitest'
import { UserAgent } from '../support/bed/userAgent.js'

/** Opens the consumer's guarded page, and expects a login by authorization code and PKCE on the way to it. */
export async function expectSignIn(baseUrl: string, issuer: string, subject: string): Promise<void> {
  const browser = new UserAgent()
  const { status, url, text } = await browser.visit(`${baseUrl}/profile`)
  expect({ status, url }).toEqual({ status: 200, url: `${baseUrl}/profile` })
  expect(JSON.parse(text)).toMatchObject({ sub: subject })

  const visited = browser.visited.map((step) => new URL(step))
  const asked = visited.find(({ origin }) => origin === issuer)?.searchParams
  expect(asked?.get('response_type')).toBe('code')
  expect(asked?.get('code_challenge_method')).toBe('S256')
  const answered = visited.find(({ href }) => href.startsWith(`${baseUrl}/callback`))?.searchParams
  expect(answered?.get('state')).toBe(asked?.get('state'))
  expect(answered?.get('code')).toBeTruthy()
}
