import type { Request } from 'express'
import { RelyingPartyError } from '../errors.js'
import type { SignInChoice } from '../pages/page.js'
import type { Provider } from '../provider/provider.js'
import { asksForPage } from '../request/navigation.js'
import { queryParameter } from '../request/url.js'
import type { Config } from '../setup/config.js'
import { lastUsedProvider } from './lastUsed.js'
import type { ThirdPartyInitiation } from './thirdPartyInitiation.js'

/** Returns the name of the provider that a login chose: by its option, by `/login/:provider`, or by `?provider=`. */
function chosenName(req: Request, option: string | undefined): string | undefined {
  const { provider } = req.params as Readonly<Record<string, unknown>>
  return option ?? (typeof provider === 'string' ? provider : queryParameter(req, 'provider'))
}

/** Checks whether a user has to choose one of several providers on the sign-in page. */
export function mustChoose({ providers }: Config, req: Request, options: { provider?: string }): boolean {
  if (providers.source !== 'providers' || providers.fixed.length < 2) return false
  return chosenName(req, options.provider) === undefined && asksForPage(req)
}

/**
 * Returns what the sign-in page lists, the provider that this browser used last first.
 *
 * @param urlOf - returns the path that starts a login
 */
export function choicesFor(config: Config, req: Request, urlOf: (provider: string) => string): SignInChoice[] {
  const last = lastUsedProvider(config, req)
  const choices = config.providers.fixed.map(({ name, options: { displayName = name, brand } }) => {
    return { name, displayName, url: urlOf(name), brand, lastUsed: name === last }
  })
  return choices.sort((one, other) => Number(other.lastUsed) - Number(one.lastUsed))
}

/** Finds the provider. A third party can choose the issuer, but only the route's own if it has one. */
export async function chooseProvider(
  { providers }: Config,
  req: Request,
  { provider }: { provider?: string },
  initiation: ThirdPartyInitiation | undefined,
): Promise<Provider> {
  if (!initiation) return providers.choose(req, chosenName(req, provider))
  if (provider === undefined) return providers.chooseByIssuer(req, initiation.iss)
  const chosen = await providers.choose(req, provider)
  if (chosen.isNamed(initiation.iss)) return chosen
  throw new RelyingPartyError('ERR_UNKNOWN_PROVIDER', 'that provider is not available at this address', {
    hint: 'the parameter iss is not the issuer of login({ provider }) at this route',
  })
}
