import type { ErrorRequestHandler, Request } from 'express'

/** Error handlers of this package, which pass on what they do not handle. */
const own = new WeakSet<object>()

/** Marks an error handler as one of this package. */
export function markAsOwn<T extends ErrorRequestHandler>(handler: T): T {
  own.add(handler)
  return handler
}

/** The parts of Express's routers that tell what is mounted. They have been the same since Express 4.0. */
interface Layer {
  readonly handle?: { readonly length?: number; readonly stack?: readonly Layer[] }
  readonly route?: { readonly stack?: readonly Layer[] }
}

interface Application {
  readonly parent?: Application
  readonly _router?: { readonly stack?: readonly Layer[] }
  readonly router?: { readonly stack?: readonly Layer[] }
}

/**
 * Checks whether the application of a request has an error handler of its own, in any of its routers: a function with four
 * parameters. If so, it decides how errors look.
 */
export function hasErrorHandler(req: Request): boolean {
  const seen = new Set<unknown>()
  const waiting: Layer[] = []
  const add = (layers: readonly Layer[] | undefined) => {
    if (!layers || seen.has(layers)) return
    seen.add(layers)
    waiting.push(...layers)
  }
  for (let app: Application | undefined = req.app as Application; app; app = app.parent) {
    // Express 4 throws for `router`.
    add((app._router ?? app.router)?.stack)
  }
  for (let layer = waiting.pop(); layer; layer = waiting.pop()) {
    const { handle, route } = layer
    if (handle?.length === 4 && !own.has(handle)) return true
    add(handle?.stack)
    add(route?.stack)
  }
  return false
}
