import type { AppOptions, LocalProvider } from './app.js'
import { type RunningBed, startBed } from './bed.js'

export * from '../stores/faultyStore.js'
export type { LocalProvider } from './app.js'
export * from './areas.js'
export { muteExpress, PUBLIC_URL, proxied } from './bed.js'
export * from './callbackRequest.js'
export * from './faultyFetch.js'
export * from './observed.js'
export { basket } from './routes.js'

export type Site = RunningBed
export const startSite = (settings: AppOptions = {}, at?: LocalProvider): Promise<RunningBed> =>
  startBed(at ? { ...settings, at } : settings)
export const startSiteBehindTls = (settings: AppOptions = {}, at?: LocalProvider): Promise<RunningBed> =>
  startBed({ ...settings, behindTls: true, ...(at ? { at } : {}) })
