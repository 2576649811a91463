/** A response of the token endpoint, as a test changes it. */
export type TokenAnswer = Record<string, unknown>

/**
 * Stands between the application and the provider: counts refreshes, holds them back, changes their responses or fails
 * them.
 */
export interface TokenEndpoint {
  /** The number of refreshes requested. */
  refreshes: number
  /** Refreshes wait for this. */
  held: Promise<void> | undefined
  /** Answers a refresh in place of the provider, which is not called. */
  instead: (() => Response | Promise<Response>) | undefined
  /** Whether requests to other endpoints fail, by their URL. */
  fails: ((url: string) => boolean) | undefined
  /** Changes the provider's response to a refresh. */
  change: ((answer: TokenAnswer) => TokenAnswer | Promise<TokenAnswer>) | undefined
  /** Every token issued so far. */
  readonly given: string[]
}

/** Creates a token endpoint, and the `fetch` that passes through it. */
export function createTokenEndpoint(): { tokens: TokenEndpoint; fetch: typeof fetch } {
  const tokens: TokenEndpoint = {
    refreshes: 0,
    held: undefined,
    instead: undefined,
    fails: undefined,
    change: undefined,
    given: [],
  }
  return {
    tokens,
    fetch: async (url, init) => {
      const isRefresh = String(init?.body).includes('grant_type=refresh_token')
      if (isRefresh) {
        tokens.refreshes++
        await tokens.held
        if (tokens.instead) return tokens.instead()
      } else if (tokens.fails?.(String(url))) {
        return new Response(null, { status: 503 })
      }
      const response = await fetch(url, init)
      if (!response.ok || !String(init?.body).includes('grant_type=')) return response
      const answer = (await response.json()) as TokenAnswer
      for (const name of ['access_token', 'refresh_token', 'id_token']) {
        if (typeof answer[name] === 'string') tokens.given.push(answer[name])
      }
      return Response.json(isRefresh && tokens.change ? await tokens.change(answer) : answer)
    },
  }
}
