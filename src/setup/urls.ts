import type { Request } from 'express'
import { defined } from '../lib/defined.js'
import { safeReturnTo } from '../request/returnTo.js'
import { isSamePath, publicUrl } from '../request/url.js'
import type { Config } from './config.js'

/** Checks whether a request is for one of the configured paths. */
export function isAt(config: Pick<Config, 'basePath'>, req: Request, path: string): boolean {
  return isSamePath(publicPath(config, req), path)
}

/** Checks whether a request is for the path of `login()`. */
export function isLogin(config: Pick<Config, 'basePath' | 'paths'>, req: Request): boolean {
  return isAt(config, req, config.paths.login)
}

/** Checks whether a request is for a callback path. */
export function isCallback(config: Pick<Config, 'basePath' | 'callbacks'>, req: Request): boolean {
  return config.callbacks.has(publicPath(config, req))
}

/** Returns the path that the browser requested, without the query. */
export function publicPath(config: Pick<Config, 'basePath'>, req: Request): string {
  const [path = ''] = publicUrl(config, req).split('?', 1)
  return path
}

/** Returns the path of a login that comes back to this request's URL. */
export function withReturnTo(config: Config, req: Request, provider?: string, stepUp?: string): string {
  return loginUrl(config, safeReturnTo(publicUrl(config, req), config.origin), provider, stepUp)
}

/**
 * Returns the path of a login that leads to `returnTo`.
 *
 * @param stepUp - what the login requires of the user's authentication, sealed
 */
export function loginUrl(
  { paths }: Pick<Config, 'paths'>,
  returnTo: string | undefined,
  provider?: string,
  stepUp?: string,
): string {
  const query = new URLSearchParams(defined({ returnTo, provider, step_up: stepUp })).toString()
  return query ? `${paths.login}?${query}` : paths.login
}

/**
 * Returns the path of this request's own route with its query, changed by `parameters`. A path that would leave the
 * application's origin is replaced by that of the login.
 */
export function withParameters(
  config: Pick<Config, 'basePath' | 'origin' | 'paths'>,
  req: Request,
  parameters: Readonly<Record<string, string>>,
): string {
  const [path = '', query = ''] = publicUrl(config, req).split(/\?(.*)/s)
  const changed = new URLSearchParams(query)
  for (const [name, value] of Object.entries(parameters)) changed.set(name, value)
  const own = safeReturnTo(path, config.origin) ?? config.paths.login
  return changed.size > 0 ? `${own}?${changed}` : own
}

/** Returns the path to send the user to: `returnTo` if it is safe, otherwise the start page. */
export function destination(config: Pick<Config, 'basePath' | 'origin'>, returnTo: unknown): string {
  return safeReturnTo(returnTo, config.origin) ?? startPage(config)
}

/** Returns the path of the start page: that of `baseUrl`. */
export function startPage({ basePath }: Pick<Config, 'basePath'>): string {
  return `${basePath}/`
}
