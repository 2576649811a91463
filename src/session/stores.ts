import type { Request } from 'express'
import { warnOnce } from '../lib/warn.js'
import { type AuthStore, withStoreErrors } from '../records/authStore.js'
import { TokenRecords } from '../records/records.js'
import { Refresher } from '../records/refresh.js'
import { sessionAuthStore } from '../records/sessionAuthStore.js'
import type { Config } from '../setup/config.js'

/** The services of one relying party on one store. Every failure of `store` is an `ERR_STORE_UNAVAILABLE`. */
export interface SessionServices {
  readonly store: AuthStore
  readonly records: TokenRecords
  readonly refresher: Refresher
}

/** Returns a function that returns the services for a request. They are the same for the same store. */
export function createServicesByStore(config: Config): (req: Request) => SessionServices {
  const known = new WeakMap<AuthStore, SessionServices>()
  return (req) => {
    const given = config.store ?? sessionAuthStore(req.sessionStore)
    warnOfMemory(req)
    let services = known.get(given)
    if (!services) {
      const store = withStoreErrors(given, (operation, duration) =>
        config.emit({ type: 'store.failed', operation, duration }),
      )
      const records = new TokenRecords(store, config.sealer, {
        maxPerSubject: config.session.maxPerSubject,
        onLimit: ({ provider, subject }) => config.emit({ type: 'session.ended', provider, subject, reason: 'limit' }),
      })
      services = { store, records, refresher: createRefresher(config, records, store) }
      known.set(given, services)
    }
    return services
  }
}

function createRefresher(config: Config, records: TokenRecords, store: AuthStore): Refresher {
  return new Refresher(records, store, {
    before: config.session.refreshBefore,
    wait: config.session.refreshWait,
    timeout: config.session.refreshTimeout,
    max: config.session.maxRefreshes,
    onRefreshed: ({ provider, subject, scopes }, times) =>
      config.emit({ type: 'session.refreshed', provider, subject, scope: scopes.join(' '), ...times }),
    onFailed: ({ provider, subject }, { code }, times) =>
      config.emit({ type: 'session.refresh_failed', provider, subject, code, ...times }),
    onFollowUpFailed: ({ provider, subject }, error) =>
      config.emit({ type: 'session.claims_failed', provider, subject, error }),
    onEnded: ({ provider, subject }, reason) => config.emit({ type: 'session.ended', provider, subject, reason }),
    ...(config.store ? {} : { onOverlap: warnOfOverlap }),
  })
}

function warnOfMemory({ sessionStore }: Request): void {
  if (process.env.NODE_ENV !== 'production' || sessionStore.constructor.name !== 'MemoryStore') return
  warnOnce(
    'RP_MEMORY_STORE',
    'sessions are kept in the memory of this process: they end when it does, and other processes do not know them. ' +
      'Configure express-session with a store, such as connect-redis or connect-pg-simple',
  )
}

function warnOfOverlap(): void {
  warnOnce(
    'RP_STORE_NOT_SHARED',
    'two processes refreshed the same session at once, which may end it: an express-session store is atomic within ' +
      'one process only. Pass relyingParty({ store: redisStore(client) }) or postgresStore(pool)',
  )
}
