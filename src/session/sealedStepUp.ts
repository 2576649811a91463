import type { StepUp } from '../guards/caller.js'
import type { Config } from '../setup/config.js'

/** Seals what a route asks of the user's authentication, for the query of the login: a browser cannot weaken it. */
export function sealStepUp({ sealer }: Pick<Config, 'sealer'>, stepUp: StepUp): string {
  return sealer.seal('step-up', 'login', JSON.stringify(stepUp))
}

/** Options of a login that ask for an authentication. */
interface StepUpLogin {
  readonly maxAge?: number
  readonly acrValues?: readonly string[]
  readonly acrEssential?: boolean
}

/** Opens what {@link sealStepUp} made, as options of the login. Anything else gives none. */
export function unsealStepUp({ sealer }: Pick<Config, 'sealer'>, sealed: string | undefined): StepUpLogin {
  const opened = sealed === undefined ? undefined : sealer.unseal('step-up', 'login', sealed)
  if (!opened) return {}
  const { acr, maxAge } = JSON.parse(opened.toString('utf8')) as StepUp
  return {
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(acr.length === 0 ? {} : { acrValues: acr, acrEssential: true }),
  }
}
