/** The answer of the token endpoint, as a test changes it. */
export type TokenAnswer = Record<string, unknown>

/**
 * Stands between the application and the provider: counts refreshes, holds them back, changes their answers or fails
 * them.
 */
export interface TokenEndpoint {
  /** How many refreshes were asked for. */
  refreshes: number
  /** Refreshes wait for this. */
  held: Promise<void> | undefined
  /** Answers a refresh in place of the provider, which is not asked. */
  instead: (() => Response | Promise<Response>) | undefined
  /** Whether requests to other endpoints fail, by their URL. */
  fails: ((url: string) => boolean) | undefined
  /** Changes the provider's answer to a refresh. */
  change: ((answer: TokenAnswer) => TokenAnswer | Promise<TokenAnswer>) | undefined
  /** Every token that was ever given out. */
  readonly given: string[]
}

/** Creates one, with the `fetch` that leads to it. */
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
