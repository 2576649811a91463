import type { Request, Response } from 'express'
import { warnOnce } from '../lib/warn.js'
import type { Config } from './config.js'
import { isCallback, publicPath } from './urls.js'

const reached = new WeakSet<Request>()

/** Records that a request reached `callback()`. */
export function noteReached(req: Request): void {
  reached.add(req)
}

/** Warns if a response to a callback path is 404, because `callback()` is not mounted there. */
export function warnIfUnreached(config: Pick<Config, 'basePath' | 'callbacks'>, req: Request, res: Response): void {
  if (!req.originalUrl.includes('state=') || !isCallback(config, req)) return
  res.once('finish', () => {
    if (res.statusCode !== 404 || reached.has(req)) return
    warnOnce(
      'RP_CALLBACK_NOT_MOUNTED',
      `a provider redirected a user to ${publicPath(config, req)}, where no route answers: mount callback() there, ` +
        `with ${config.callbacks.mounting}`,
    )
  })
}
