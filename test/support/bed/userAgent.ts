import { type IncomingHttpHeaders, request } from 'node:http'

/** A response as a test reads it. */
export interface Answer {
  readonly status: number
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  json<T = Record<string, unknown>>(): T
}

interface Cookie {
  readonly value: string
  readonly sameSite: string
  readonly path: string
}

/** What to send. `body` is sent as a form. */
export interface Init {
  readonly method?: string
  /** An empty one keeps the header that is usual from being sent. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, string>> | URLSearchParams | string
  /** The site that the request comes from; a POST from another host is sent without Lax cookies. */
  readonly from?: string
  /** Whether another site is among those that redirected here: browsers then treat the request as cross-site. */
  readonly crossSite?: boolean
  readonly signal?: AbortSignal
}

/** How many cookies of a host a browser with a limit drops at once, the oldest first, as Chromium does. */
const DROPPED_AT_ONCE = 30

/** How many redirects, refreshes and form_post pages are followed before the test fails. */
const MAX_HOPS = 15

/**
 * Stands for a browser: keeps cookies by host, sends the headers of a navigation, follows redirects and pages that go on
 * by themselves, and posts the form of a form_post page. Like a browser it sends no Lax cookie with a POST from another
 * host, no Strict cookie with any request that another host led to, and keeps no cookie for another domain.
 */
export class UserAgent {
  readonly #jars = new Map<string, Map<string, Cookie>>()
  /** The URLs that were visited, oldest first. */
  readonly visited: string[] = []
  readonly #maxCookies: number

  /** @param maxCookies How many cookies of a host are kept: 180 in Chromium and Firefox. Default is any number. */
  constructor({ maxCookies = Number.POSITIVE_INFINITY } = {}) {
    this.#maxCookies = maxCookies
  }

  /** Makes another browser with the same cookies. */
  clone(): UserAgent {
    const copy = new UserAgent({ maxCookies: this.#maxCookies })
    for (const [host, jar] of this.#jars) copy.#jars.set(host, new Map(jar))
    return copy
  }

  /** The cookies for a URL's host, by name. */
  cookies(url: string): Map<string, string> {
    return new Map([...this.#jar(url)].map(([name, { value }]) => [name, value]))
  }

  setCookie(url: string, name: string, value: string): void {
    this.#jar(url).set(name, { value, sameSite: 'lax', path: '/' })
  }

  deleteCookie(url: string, name: string): void {
    this.#jar(url).delete(name)
  }

  /** Goes to a page as a person would, through redirects and form_post pages, to the page where it ends. */
  async visit(url: string, init: Init = {}): Promise<Answer> {
    let sent = init
    let answer = await this.send(url, sent)
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const next = nextStep(answer, isCrossSite(answer.url, sent))
      if (!next) return answer
      sent = next.init
      answer = await this.send(next.url, sent)
    }
    throw new Error(`more than ${MAX_HOPS} redirects: ${this.visited.slice(-MAX_HOPS).join('\n')}`)
  }

  /** Goes on as {@link visit} does, up to a request that begins with `prefix`, and gives that request unsent. */
  async visitUntil(url: string, prefix: string, init: Init = {}): Promise<{ url: string; init: Init }> {
    let step = { url, init }
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      if (step.url.startsWith(prefix) && hop > 0) return step
      const answer = await this.send(step.url, step.init)
      const next = nextStep(answer, isCrossSite(step.url, step.init))
      if (!next) throw new Error(`ended at ${answer.url} (${answer.status}): ${answer.text.slice(0, 500)}`)
      step = next
    }
    throw new Error(`no request to ${prefix} after ${MAX_HOPS} steps`)
  }

  /** Sends one request with the cookies that belong to it, and keeps those that come back. */
  send(url: string, init: Init = {}): Promise<Answer> {
    const { method = 'GET', from, signal } = init
    const crossSite = isCrossSite(url, init)
    const sendable = (sameSite: string) =>
      !crossSite || sameSite === 'none' || (sameSite !== 'strict' && method !== 'POST')
    const cookie = [...this.#jar(url)]
      .filter(([, { sameSite, path }]) => sendable(sameSite) && inPath(url, path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ')
    const body = init.body === undefined ? undefined : String(formOf(init.body))
    const headers: Record<string, string> = {
      accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-site': crossSite ? 'cross-site' : siteOf(url, from),
      ...(cookie ? { cookie } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...init.headers,
    }
    for (const [name, value] of Object.entries(headers)) if (value === '') delete headers[name]
    this.visited.push(url)
    return new Promise((resolve, reject) => {
      const req = request(url, { method, headers, agent: false, ...(signal ? { signal } : {}) }, (res) => {
        const chunks: Buffer[] = []
        res.on('data', (chunk: Buffer) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () => {
          this.#keep(url, res.headers['set-cookie'] ?? [])
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({
            status: res.statusCode ?? 0,
            url,
            headers: res.headers,
            text,
            json: <T>() => JSON.parse(text) as T,
          })
        })
      })
      req.on('error', reject)
      req.end(body)
    })
  }

  /** Fetches as a script of the same origin would: no navigation, no redirects followed. */
  fetch(url: string, init: Init = {}): Promise<Answer> {
    const headers = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', ...init.headers }
    return this.send(url, { ...init, headers })
  }

  #jar(url: string): Map<string, Cookie> {
    const { hostname } = new URL(url)
    let jar = this.#jars.get(hostname)
    if (!jar) {
      jar = new Map()
      this.#jars.set(hostname, jar)
    }
    return jar
  }

  #keep(url: string, lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const at = pair.indexOf('=')
      const attribute = (name: string) =>
        attributes.find((a) => a.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1)
      const expires = attribute('expires')
      const domain = attribute('domain')?.replace(/^\./, '')
      const { hostname } = new URL(url)
      if (domain && hostname !== domain && !hostname.endsWith(`.${domain}`)) continue
      const gone = attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= Date.now())
      if (gone) this.#jar(url).delete(pair.slice(0, at))
      else {
        const sameSite = attribute('samesite')?.toLowerCase() ?? 'lax'
        const jar = this.#jar(url)
        jar.set(pair.slice(0, at), { value: pair.slice(at + 1), sameSite, path: attribute('path') ?? '/' })
        if (jar.size > this.#maxCookies) for (const name of [...jar.keys()].slice(0, DROPPED_AT_ONCE)) jar.delete(name)
      }
    }
  }
}

function nextStep(answer: Answer, crossSite: boolean): { url: string; init: Init } | undefined {
  const { location } = answer.headers
  if (answer.status >= 300 && answer.status < 400 && location) {
    return { url: new URL(location, answer.url).href, init: { from: answer.url, crossSite } }
  }
  const refresh = refreshOf(answer)
  if (refresh !== undefined) return { url: refresh, init: { from: answer.url } }
  const form = /<form[^>]*method="post"[^>]*action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/i.exec(answer.text)
  if (!form || !/(\.submit\(\)|onload)/.test(answer.text)) return undefined
  const fields = [...(form[2] ?? '').matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/gi)]
  const pairs = fields.map(([, name = '', value = '']) => [decode(name), decode(value)] as [string, string])
  const once = new Set(pairs.map(([name]) => name)).size === pairs.length
  const body = once ? Object.fromEntries(pairs) : new URLSearchParams(pairs)
  return { url: decode(form[1] ?? ''), init: { method: 'POST', body, from: answer.url } }
}

/** Returns where a page goes on to by itself, without a script. */
export function refreshOf({ text }: Pick<Answer, 'text'>): string | undefined {
  const [, url] = /<meta http-equiv="refresh" content="0;url=([^"]*)">/i.exec(text) ?? []
  return url === undefined ? undefined : decode(url)
}

function decode(text: string): string {
  return text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}

function formOf(body: NonNullable<Init['body']>): URLSearchParams | string {
  return typeof body === 'string' || body instanceof URLSearchParams ? body : new URLSearchParams(body)
}

function inPath(url: string, path: string): boolean {
  const { pathname } = new URL(url)
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}

function isCrossSite(url: string, { from, crossSite = false }: Init): boolean {
  return crossSite || (from !== undefined && new URL(from).hostname !== new URL(url).hostname)
}

function siteOf(url: string, from: string | undefined): string {
  if (from === undefined) return 'none'
  if (new URL(from).origin === new URL(url).origin) return 'same-origin'
  return new URL(from).hostname === new URL(url).hostname ? 'same-site' : 'cross-site'
}
