import { LRUCache } from 'lru-cache'
import { configurationError } from '../errors.js'
import { PUBLIC_KEY_ALGORITHMS } from '../jwt/algorithms.js'
import { assertOptions, boolean, number, object, type Shape, secrets } from '../lib/check.js'
import { withoutTrailingSlashes } from '../lib/slashes.js'
import { type AuthStore, withStoreErrors } from '../records/authStore.js'
import type { DPoPOptions } from './options.js'
import { createProofVerifier } from './token/dpop.js'
import { createNonces, type Nonces } from './token/dpopNonces.js'
import { checkAlgorithms } from './token/issuers.js'

/** {@link DPoPOptions}, checked and defaulted. */
export interface DPoPConfig {
  readonly required: boolean
  readonly algorithms: readonly string[]
  /** Scheme, host and port of the API. */
  readonly origin: string
  /** The path of the API, without a trailing slash. */
  readonly basePath: string
  readonly verifyProof: ReturnType<typeof createProofVerifier>
  readonly nonces: Nonces | undefined
  /** Marks a proof as used. Resolves to whether it was unused. */
  readonly use: (id: string, ttl: number) => Promise<boolean>
}

/** How many used proofs one process remembers. */
const MAX_PROOFS = 100_000

const SHAPE: Shape<DPoPOptions> = {
  required: boolean,
  algorithms: (value) =>
    checkAlgorithms(value) ??
    ((value as string[]).some((alg) => alg.startsWith('HS')) ? 'must only include public-key algorithms' : undefined),
  maxAge: number('seconds', 1, 3600),
  nonceSecret: secrets,
  nonceLifetime: number('seconds', 10, 86_400),
  store: (value) =>
    object(value) ?? (typeof (value as AuthStore).add === 'function' ? undefined : 'has no add(): pass an AuthStore'),
}

/** Checks and defaults the options of DPoP. @throws `ERR_CONFIGURATION` */
export function resolveDPoP(
  option: boolean | DPoPOptions | undefined,
  resource: string | undefined,
  clockTolerance: number,
): DPoPConfig | undefined {
  if (option === undefined || option === false) return undefined
  const options: DPoPOptions = option === true ? {} : option
  assertOptions<DPoPOptions>(options, 'resourceServer.dpop', SHAPE)
  if (resource === undefined) {
    const fix = 'set it to the URL where clients reach this API: proofs must be for that URL'
    throw configurationError('resourceServer.dpop', 'requires resource', fix)
  }
  const {
    required = false,
    algorithms = PUBLIC_KEY_ALGORITHMS,
    maxAge = 60,
    nonceSecret,
    nonceLifetime = 300,
  } = options
  const nonces = nonceSecret === undefined ? undefined : createNonces([nonceSecret].flat(), nonceLifetime)
  const { origin, pathname } = new URL(resource)
  return Object.freeze({
    required,
    algorithms,
    origin,
    basePath: withoutTrailingSlashes(pathname),
    verifyProof: createProofVerifier({ algorithms, maxAge, clockTolerance, isNonce: nonces?.accepts }),
    nonces,
    use: options.store ? usedInStore(withStoreErrors(options.store)) : usedHere(),
  })
}

function usedInStore(store: AuthStore): DPoPConfig['use'] {
  return (id, ttl) => store.add(`dpop:${id}`, 'used', ttl)
}

function usedHere(): DPoPConfig['use'] {
  const used = new LRUCache<string, number>({ max: MAX_PROOFS })
  return async (id, ttl) => {
    const now = Date.now()
    if ((used.get(id) ?? 0) > now) return false
    used.set(id, now + ttl * 1000)
    return true
  }
}
