import type { AppOptions, LocalProviderOptions } from './app.js'
import { startBed, type TokenBed } from './bed.js'

export * from '../run/waiting.js'
export { TOKEN_LIFETIME } from './bed.js'
export { gatedRoutes } from './routes.js'

export type Scene = TokenBed
export const startScene = (settings: AppOptions = {}, local: LocalProviderOptions = {}): Promise<TokenBed> =>
  startBed({ ...settings, local, tokens: true })
