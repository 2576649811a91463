import type { Request } from 'express'
import type { SignInChoice } from '../pages/page.js'
import { asksForPage } from '../request/navigation.js'
import { publicUrl, queryParameter } from '../request/url.js'
import type { Config } from '../setup/config.js'

/** Returns the name of the provider that a login chose: by its option, by `/login/:provider`, or by `?provider=`. */
export function chosenName(req: Request, option: string | undefined): string | undefined {
  const { provider } = req.params as Readonly<Record<string, unknown>>
  return option ?? (typeof provider === 'string' ? provider : queryParameter(req, 'provider'))
}

/** Checks whether a user has to choose one of several providers on the sign-in page. */
export function mustChoose({ providers }: Config, req: Request, options: { provider?: string }): boolean {
  if (providers.source !== 'providers' || providers.fixed.length < 2) return false
  return chosenName(req, options.provider) === undefined && asksForPage(req)
}

/** Returns what the sign-in page lists. The links keep the parameters of this request, such as `returnTo`. */
export function choicesFor(config: Config, req: Request): SignInChoice[] {
  const [path = '', query = ''] = publicUrl(config, req).split(/\?(.*)/s)
  return config.providers.fixed.map(({ name, options: { displayName = name, brand } }) => {
    const parameters = new URLSearchParams(query)
    parameters.set('provider', name)
    return { name, displayName, url: `${path}?${parameters}`, brand, lastUsed: false }
  })
}
