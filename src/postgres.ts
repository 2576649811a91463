import { assertOptions, number, type Shape } from './lib/check.js'
import { within } from './lib/deadline.js'
import type { AuthStore } from './records/authStore.js'

/** The part of a `pg` pool that {@link postgresStore} uses. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number | null }>
}

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions {
  /** The table, optionally with its schema: `'auth.tokens'`. Default is `'relying_party'`. */
  table?: string
  /** The minimum time between two sweeps of expired rows. In seconds; `0` disables sweeps. Default is `300`. */
  sweepInterval?: number
  /**
   * How long a statement may take, with the wait for a connection. Then the operation fails, and a late answer is ignored.
   * In seconds. Default is `5`, limit `60`.
   */
  timeout?: number
}

/** An {@link AuthStore} in PostgreSQL. */
export interface PostgresStore extends AuthStore {
  /** Creates the table and its index if they do not exist. */
  createTable(): Promise<void>
  /** Deletes expired rows. Resolves to their number. */
  sweep(): Promise<number>
}

const SHAPE: Shape<PostgresStoreOptions> = {
  table: (value) =>
    typeof value === 'string' && /^[a-z_][a-z0-9_]{0,50}(\.[a-z_][a-z0-9_]{0,50})?$/.test(value)
      ? undefined
      : 'must be a name such as relying_party or auth.relying_party, in lower case',
  sweepInterval: number('seconds', 0, 86_400),
  timeout: number('seconds', 0.01, 60),
}

/**
 * Keeps token records, locks and used tokens in a table of PostgreSQL, for any number of processes.
 *
 * Every operation is one statement, which the row lock makes atomic, and uses the database's clock. Expired rows are
 * never read; they are swept from time to time, after a write. No state is kept on a connection, so a transaction pooler
 * works. Listen to the pool's `error` event, or losing an idle connection ends the process.
 *
 * @param pool - a pool of `pg` 8; the application creates and ends it
 * @throws `ERR_CONFIGURATION` at construction
 *
 * @example
 * ```ts
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL, query_timeout: 5000, connectionTimeoutMillis: 5000 })
 * pool.on('error', (error) => console.error(error))
 * const store = postgresStore(pool)
 * await store.createTable()
 * app.use(relyingParty({ baseUrl, secret, provider, store }))
 * ```
 */
export function postgresStore(pool: PostgresPool, options: PostgresStoreOptions = {}): PostgresStore {
  assertOptions<PostgresStoreOptions>(options, 'postgresStore', SHAPE)
  const { table = 'relying_party', sweepInterval = 300, timeout = 5 } = options
  const sql = statements(table)
  let nextSweep = Date.now() + sweepInterval * 1000 * Math.random()

  /**
   * A statement that was given up may still be carried out. That is harmless: a record is replaced and a lock taken by
   * compare-and-set, what was added expires, and what was removed was to be removed.
   */
  function query(text: string, values: unknown[]) {
    return within(timeout * 1000, `PostgreSQL did not answer within ${timeout} s`, pool.query(text, values))
  }

  async function write(text: string, values: unknown[]): Promise<boolean> {
    const { rowCount } = await query(text, values)
    if (sweepInterval > 0 && Date.now() >= nextSweep) {
      nextSweep = Date.now() + sweepInterval * 1000
      // A failed sweep must not fail the write: the next one makes up for it.
      sweep().catch(() => {})
    }
    return rowCount === 1
  }

  async function sweep(): Promise<number> {
    const { rowCount } = await pool.query(sql.sweep)
    return rowCount ?? 0
  }

  return {
    async get(key) {
      const { rows } = await query(sql.get, [key])
      return (rows[0] as { value: string } | undefined)?.value
    },
    async getMany(keys) {
      const { rows } = await query(sql.getMany, [keys])
      const found = new Map((rows as { key: string; value: string }[]).map(({ key, value }) => [key, value]))
      return keys.map((key) => found.get(key))
    },
    async set(key, value, ttl) {
      await write(sql.set, [key, value, ttl])
    },
    add: (key, value, ttl) => write(sql.add, [key, value, ttl]),
    replace: (key, expected, value, ttl) => write(sql.replace, [key, expected, value, ttl]),
    remove: (key, expected) =>
      expected === undefined ? write(sql.remove, [key]) : write(sql.removeExpected, [key, expected]),
    async createTable() {
      await pool.query(sql.createTable)
    },
    sweep,
  }
}

function statements(table: string) {
  const name = table
    .split('.')
    .map((part) => `"${part}"`)
    .join('.')
  const index = `"${table.split('.').at(-1)}_expires_at"`
  const until = (parameter: string) => `now() + make_interval(secs => ${parameter}::float8)`
  const insert = `insert into ${name} as held (key, value, expires_at) values ($1, $2, ${until('$3')})
    on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at`
  return {
    get: `select value from ${name} where key = $1 and expires_at > now()`,
    getMany: `select key, value from ${name} where key = any($1) and expires_at > now()`,
    set: insert,
    add: `${insert} where held.expires_at <= now()`,
    replace: `update ${name} set value = $3, expires_at = ${until('$4')}
      where key = $1 and value = $2 and expires_at > now()`,
    remove: `delete from ${name} where key = $1 and expires_at > now()`,
    removeExpected: `delete from ${name} where key = $1 and value = $2 and expires_at > now()`,
    sweep: `delete from ${name} where expires_at <= now()`,
    // One transaction. The lock keeps processes that start at once from creating the same table, which "if not exists"
    // does not.
    createTable: `select pg_advisory_xact_lock(hashtext('express-relying-party'));
      create table if not exists ${name} (
        key text primary key, value text not null, expires_at timestamptz not null);
      create index if not exists ${index} on ${name} (expires_at)`,
  }
}
