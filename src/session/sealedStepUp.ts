import type { StepUp } from '../guards/caller.js'
import { defined } from '../lib/defined.js'
import type { Config } from '../setup/config.js'

/** Seals the authentication a route requires, for the query of the login: a browser cannot weaken it. */
export function sealStepUp({ sealer }: Pick<Config, 'sealer'>, stepUp: StepUp): string {
  return sealer.seal('step-up', 'login', JSON.stringify(stepUp))
}

/** Login options that request a certain authentication. */
interface StepUpLogin {
  readonly maxAge?: number
  readonly acrValues?: readonly string[]
  readonly acrEssential?: boolean
}

/** Unseals the value of {@link sealStepUp} as options of the login. Returns none for anything else. */
export function unsealStepUp({ sealer }: Pick<Config, 'sealer'>, sealed: string | undefined): StepUpLogin {
  const opened = sealed === undefined ? undefined : sealer.unseal('step-up', 'login', sealed)
  if (!opened) return {}
  const { acr, maxAge } = JSON.parse(opened.toString('utf8')) as StepUp
  return { ...defined({ maxAge }), ...(acr.length > 0 && { acrValues: acr, acrEssential: true }) }
}
