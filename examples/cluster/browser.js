// @ts-check

/** Acts as a browser: keeps cookies and follows redirects. */
export class Browser {
  /** @type {Map<string, string>} */
  #cookies = new Map()

  /**
   * Returns the text of the final page.
   *
   * @param {string} url
   * @param {RequestInit} [init]
   * @returns {Promise<string>}
   */
  async visit(url, init = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { accept: 'text/html', cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      this.#cookies.set(name, value)
    }
    const location = response.headers.get('location')
    return location ? this.visit(new URL(location, url).href) : response.text()
  }

  /**
   * Logs out at the provider's own page.
   *
   * @param {string} issuer
   */
  async logOutAt(issuer) {
    const page = await this.visit(`${issuer}/session/end`)
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? ''
    const body = new URLSearchParams({ xsrf, logout: 'yes' })
    await this.visit(`${issuer}/session/end/confirm`, { method: 'POST', body })
  }
}
