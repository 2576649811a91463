import type { Request, Response } from 'express'
import { warnOnce } from '../lib/warn.js'
import type { Config } from './config.js'
import { isCallback, publicPath } from './urls.js'

const reached = new WeakSet<Request>()

/** Notes that `callback()` answers a request. */
export function noteReached(req: Request): void {
  reached.add(req)
}

/** Warns if a request at a callback path ends as not found: `callback()` is not mounted there. */
export function warnIfUnreached(config: Pick<Config, 'basePath' | 'callbacks'>, req: Request, res: Response): void {
  if (!req.originalUrl.includes('state=') || !isCallback(config, req)) return
  res.once('finish', () => {
    if (res.statusCode !== 404 || reached.has(req)) return
    warnOnce(
      'RP_CALLBACK_NOT_MOUNTED',
      `a provider sent a user back to ${publicPath(config, req)}, where nothing answers: mount callback() there, as in ` +
        config.callbacks.mounting,
    )
  })
}
