/**
 * What tests need besides Node: a browser or a server. If it is missing, the tests are skipped and the reason is printed at
 * the end of the run; with `REQUIRE_ALL=1` (as in CI) the run fails.
 */
import { existsSync } from 'node:fs'
import { describe } from 'vitest'
import { debianPostgres, findProgram } from './programs.js'

declare module 'vitest' {
  interface TaskMeta {
    /** Why the tests of this suite are skipped. */
    skipped?: string
  }
}

export type Requirement = 'chromium' | 'redis' | 'postgres' | 'redis-server' | 'initdb' | 'pgbouncer'

const browsers = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** The browser's executable: `CHROMIUM_PATH`, or the first that exists in the usual places. */
export const chromiumPath: string | undefined = (
  process.env.CHROMIUM_PATH ? [process.env.CHROMIUM_PATH] : browsers
).find((path) => existsSync(path))

/** `REDIS_URL`, such as `redis://127.0.0.1:6379`. The tests may delete everything in it. */
export const redisUrl: string | undefined = process.env.REDIS_URL || undefined

/** `POSTGRES_URL`, such as `postgres://user@127.0.0.1:5432/test`. The tests may create and drop tables in it. */
export const postgresUrl: string | undefined = process.env.POSTGRES_URL || undefined

/** Whether a missing requirement is a failure rather than a skip: `REQUIRE_ALL=1`. */
export const requireAll: boolean = process.env.REQUIRE_ALL === '1'

const requirements: Record<Requirement, { value: string | undefined; missing: string }> = {
  chromium: {
    value: chromiumPath,
    missing: 'browser tests: no Chromium found (install chromium, or set CHROMIUM_PATH to its executable)',
  },
  redis: {
    value: redisUrl,
    missing: 'Redis tests: no server (install redis-server, or set REDIS_URL, as in redis://127.0.0.1:6379)',
  },
  postgres: {
    value: postgresUrl,
    missing:
      'PostgreSQL tests: no server (install postgresql, or set POSTGRES_URL, as in postgres://user@127.0.0.1:5432/test)',
  },
  'redis-server': {
    value: findProgram('redis-server'),
    missing: 'tests of a Redis Cluster and of Sentinel: no program to start (install redis-server)',
  },
  initdb: {
    value: findProgram('initdb', debianPostgres()),
    missing: 'tests of a failover of PostgreSQL: no program to start (install postgresql)',
  },
  pgbouncer: {
    value: findProgram('pgbouncer', ['/usr/sbin']) && postgresUrl,
    missing: 'tests of PgBouncer: no program to start, or no PostgreSQL (install pgbouncer)',
  },
}

/**
 * Declares a suite that is skipped if a requirement is missing.
 *
 * @param requirement - passed to `fn` as its path or URL
 * @param fn - declares the tests, as in `describe`. It also runs if the requirement is missing, to count the skipped tests:
 *   use the value only in hooks and tests.
 */
export function describeWith(requirement: Requirement, name: string, fn: (value: string) => void): void {
  const { value, missing } = requirements[requirement]
  if (value !== undefined) {
    describe(name, () => fn(value))
  } else if (requireAll) {
    throw new Error(`REQUIRE_ALL=1, but this would skip ${missing}`)
  } else {
    describe(name, { skip: true, meta: { skipped: missing } }, () => fn(''))
  }
}
