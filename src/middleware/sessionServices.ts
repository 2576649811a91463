import type { Request } from 'express'
import type { AuthStore } from '../session/authStore.js'
import { TokenRecords } from '../session/records.js'
import { Refresher } from '../session/refresh.js'
import { sessionAuthStore } from '../session/sessionAuthStore.js'
import type { Config } from './config.js'

/** The services of one relying party over one store. */
export interface SessionServices {
  readonly store: AuthStore
  readonly records: TokenRecords
  readonly refresher: Refresher
}

/** Gives the services over a store, the same for the same store. */
export function createServicesByStore(config: Config): (req: Request) => SessionServices {
  const known = new WeakMap<AuthStore, SessionServices>()
  return (req) => {
    const store = config.store ?? sessionAuthStore(req.sessionStore)
    let services = known.get(store)
    if (!services) {
      const records = new TokenRecords(store, config.sealer)
      services = { store, records, refresher: createRefresher(config, records, store) }
      known.set(store, services)
    }
    return services
  }
}

/** A renewal makes up to this many requests to the provider: for its metadata, the tokens, and the keys. */
const RENEWAL_REQUESTS = 3

function createRefresher(config: Config, records: TokenRecords, store: AuthStore): Refresher {
  return new Refresher(records, store, {
    before: config.session.refreshBefore,
    renewalTimeout: RENEWAL_REQUESTS * config.http.timeout,
    onRefreshed: ({ provider, subject, scopes }) =>
      config.emit({ type: 'session.refreshed', provider, subject, scope: scopes.join(' ') }),
    onFailed: ({ provider, subject }, { code }) =>
      config.emit({ type: 'session.refresh_failed', provider, subject, code }),
    onEnded: ({ provider, subject }, reason) => config.emit({ type: 'session.ended', provider, subject, reason }),
  })
}
