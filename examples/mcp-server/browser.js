// @ts-check

/** The maximum number of redirects to follow. */
const maxHops = 12

/**
 * Creates a stand-in for a user with a browser. It visits the authorization server, which recognizes the user and approves
 * without a page, and is redirected back to the client.
 *
 * @param {string} user the user who signs in
 * @param {string} redirectUrl the redirect URL of the client
 * @returns {(url: URL) => Promise<URL>}
 */
export function browserOf(user, redirectUrl) {
  /** @type {Map<string, string>} */
  const cookies = new Map()

  return async (authorizationUrl) => {
    let url = new URL(authorizationUrl)
    url.searchParams.set('login_hint', user)
    for (let hop = 0; hop < maxHops; hop++) {
      if (url.href.startsWith(redirectUrl)) return url
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(url, { headers: { cookie }, redirect: 'manual' })
      for (const line of response.headers.getSetCookie()) keep(line)
      const location = response.headers.get('location')
      if (!location)
        throw new Error(`The authorization server responded with ${response.status}: ${await response.text()}`)
      url = new URL(location, url)
    }
    throw new Error('The authorization server redirects endlessly.')
  }

  /** @param {string} line */
  function keep(line) {
    const [pair = ''] = line.split(';')
    const [name = '', value = ''] = pair.split('=')
    if (value === '') cookies.delete(name)
    else cookies.set(name, value)
  }
}
