/** A browser as small as a login needs: cookies, redirects, and a record of where it was sent. */
import { expect } from 'vitest'

export interface Visit {
  response: Response
  /** Every URL asked for, the first one included. */
  urls: URL[]
}

/** Opens a URL as a navigation and follows redirects, keeping the cookies of each host. */
export async function visit(start: string): Promise<Visit> {
  const jars = new Map<string, Map<string, string>>()
  const urls: URL[] = []
  let url = new URL(start)
  while (urls.length < 20) {
    urls.push(url)
    const jar = jars.get(url.hostname) ?? new Map<string, string>()
    jars.set(url.hostname, jar)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', cookie }
    const response = await fetch(url, { headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) keep(jar, line)
    const location = response.headers.get('location')
    if (location === null) return { response, urls }
    await response.body?.cancel()
    url = new URL(location, url)
  }
  throw new Error(`too many redirects: ${urls.join(' -> ')}`)
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const equals = pair.indexOf('=')
  const expires = attributes.find((attribute) => /^\s*expires=/i.test(attribute))?.split('=')[1]
  if (expires !== undefined && Date.parse(expires) <= Date.now()) jar.delete(pair.slice(0, equals))
  else jar.set(pair.slice(0, equals), pair.slice(equals + 1))
}

/** Opens the consumer's guarded page, and expects a login by authorization code and PKCE on the way to it. */
export async function expectSignIn(baseUrl: string, issuer: string, subject: string): Promise<void> {
  const { response, urls } = await visit(`${baseUrl}/profile`)
  const body = await response.text()
  expect({ status: response.status, body }).toEqual({ status: 200, body: JSON.stringify({ sub: subject }) })
  expect(urls.at(-1)?.href).toBe(`${baseUrl}/profile`)

  const asked = urls.find((url) => url.origin === issuer)?.searchParams
  expect(asked?.get('response_type')).toBe('code')
  expect(asked?.get('code_challenge_method')).toBe('S256')
  const answered = urls.find((url) => url.href.startsWith(`${baseUrl}/callback`))?.searchParams
  expect(answered?.get('state')).toBe(asked?.get('state'))
  expect(answered?.get('code')).toBeTruthy()
}
