export type Json = Readonly<Record<string, unknown>>

/** Members that replace the usual ones, `undefined` to remove one. Or a function that returns them from the usual. */
export type Changes = Json | ((usual: Json) => Json)

/** An HTTP response of the provider. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Encodes an object as JSON. */
export function json(value: unknown, status = 200): Reply {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status, headers, body: JSON.stringify(value) }
}

/** Applies changes to the usual members. */
export function changed(usual: Json, changes: Changes = {}): Json {
  return { ...usual, ...(typeof changes === 'function' ? changes(usual) : changes) }
}

/** Converts members to parameters, an array to one for each item. */
export function toParameters(values: Json): URLSearchParams {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return new URLSearchParams(given.flatMap(([name, value]) => [value].flat().map((item) => [name, String(item)])))
}

/** The page of the form_post response mode. */
export function formPost(action: string, parameters: URLSearchParams): Reply {
  const encode = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  const inputs = [...parameters].map(([name, value]) => `<input name="${encode(name)}" value="${encode(value)}">`)
  const body = `<body onload="document.forms[0].submit()"><form method="post" action="${action}">${inputs.join('')}</form>`
  return { status: 200, headers: { 'content-type': 'text/html' }, body }
}

/** Encodes as a form does (RFC 6749 Appendix B). */
export function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

/** Splits HTTP Basic credentials, and decodes each half as in RFC 6749 §2.3.1 unless they are raw. */
export function decodeBasic(authorization: string | undefined, raw: boolean): string | undefined {
  const encoded = /^Basic (\S+)$/i.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(/:(.*)/s)
  const decode = (text: string) => (raw ? text : (new URLSearchParams(`=${text}`).get('') ?? ''))
  return `${decode(id)}\0${decode(secret)}`
}
