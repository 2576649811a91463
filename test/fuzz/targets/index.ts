import type { FuzzOptions, Report, Target } from '../harness.js'
import { fuzz } from '../harness.js'
import { bearerTarget } from './bearer.js'
import { callbackTarget } from './callback.js'
import { cookiesTarget } from './cookies.js'
import { deviceTarget } from './device.js'
import { keysTarget, metadataTarget } from './documents.js'
import { dpopTarget } from './dpop.js'
import { headersTarget } from './headers.js'
import { initiationTarget } from './initiation.js'
import { frontchannelTarget, logoutReturnTarget } from './logoutReturn.js'
import { logoutTokenTarget, revocationRequestTarget, securityEventTarget } from './logoutToken.js'
import { introspectionTarget, tokenResponseTarget, userInfoTarget } from './responses.js'
import { returnToTarget } from './returnTo.js'
import { storeTarget } from './store.js'

/** A target whose kind of input is of no interest to whoever runs it. */
export interface NamedTarget {
  readonly name: string
  /** How many inputs it gets among the tests. */
  readonly runs: number
  run(options: FuzzOptions): Promise<Report>
}

/** Every kind of input that comes from outside. */
export const targets: readonly NamedTarget[] = [
  named(cookiesTarget),
  named(callbackTarget),
  named(returnToTarget),
  named(bearerTarget),
  named(dpopTarget),
  named(logoutTokenTarget),
  named(securityEventTarget),
  named(revocationRequestTarget),
  named(metadataTarget),
  named(keysTarget),
  named(headersTarget, 500),
  named(initiationTarget, 500),
  named(logoutReturnTarget, 500),
  named(frontchannelTarget, 500),
  named(deviceTarget, 500),
  named(tokenResponseTarget, 500),
  named(userInfoTarget, 500),
  named(introspectionTarget, 500),
  named(storeTarget, 500),
]

function named<Input>(target: Target<Input>, runs = 2_000): NamedTarget {
  return { name: target.name, runs, run: (options) => fuzz(target, options) }
}
