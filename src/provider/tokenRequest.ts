/** A request to the token endpoint, before it is sent. */
export interface TokenRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** A form, or the text of another content type. */
  readonly body: URLSearchParams | string
}
