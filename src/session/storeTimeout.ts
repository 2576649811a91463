import type { Store } from 'express-session'
import { assertOptions, number, type Shape } from '../lib/check.js'
import { startDeadline } from '../lib/deadline.js'

/** Options of {@link storeTimeout}. */
export interface StoreTimeoutOptions {
  /** How long an operation may take. In seconds. Default is `5`, limit `60`. */
  timeout?: number
}

const SHAPE: Shape<StoreTimeoutOptions> = { timeout: number('seconds', 0.01, 60) }

/** The operations of a session store that express-session waits for. The callback is their last argument. */
const OPERATIONS = ['get', 'set', 'touch', 'destroy'] as const

type Operation = (...args: unknown[]) => unknown

/**
 * Limits how long the operations of a session store may take: express-session waits for as long as a store does, and the
 * clients of stores wait for a server that is cut off. After the time the operation fails, which `storeErrors()` answers
 * with 503. What the store does afterwards is ignored; a write may still be carried out, as if its request had been slow.
 *
 * The store itself is changed and returned.
 *
 * @throws `ERR_CONFIGURATION` at construction
 *
 * @example
 * ```ts
 * const store = storeTimeout(new RedisStore({ client }))
 * app.use(session({ store, secret, resave: false, saveUninitialized: false, cookie: { secure: 'auto', sameSite: 'lax' } }))
 * app.use(relyingParty({ baseUrl, secret, provider, store: redisStore(client) }))
 * app.use(storeErrors())
 * ```
 */
export function storeTimeout<S extends Store>(store: S, options: StoreTimeoutOptions = {}): S {
  assertOptions<StoreTimeoutOptions>(options, 'storeTimeout', SHAPE)
  const { timeout = 5 } = options
  const operations: Partial<Record<(typeof OPERATIONS)[number], Operation>> = store as object
  for (const name of OPERATIONS) {
    const operate = operations[name]?.bind(store)
    if (operate) operations[name] = limited(operate, name, timeout)
  }
  return store
}

function limited(operate: Operation, name: string, timeout: number): Operation {
  return (...args) => {
    const callback = args.pop()
    if (!isCallback(callback)) return operate(...args, callback)
    let done = false
    const finish = (...results: unknown[]) => {
      if (done) return
      done = true
      deadline.clear()
      callback(...results)
    }
    const deadline = startDeadline(timeout * 1000, () => {
      finish(new Error(`the session store did not finish ${name} within ${timeout} s`))
    })
    return operate(...args, finish)
  }
}

function isCallback(value: unknown): value is (...results: unknown[]) => void {
  return typeof value === 'function'
}
