import { assertOptions, number, type Shape } from './lib/check.js'
import { within } from './lib/deadline.js'
import type { AuthStore } from './records/authStore.js'

/** The commands of a connected node-redis client, cluster or sentinel that {@link redisStore} uses. */
export interface RedisClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, options: { PX: number; NX?: true }): Promise<unknown>
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  mGet?(keys: string[]): Promise<unknown[]>
  /** Present in a cluster, where one command cannot read keys of different nodes. */
  readonly slots?: unknown
}

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** The prefix of every key, which separates applications that share one Redis. Default is `'rp:'`. */
  prefix?: string
  /**
   * How long a command may take. Then the operation fails, and a late answer is ignored. In seconds. Default is `5`, limit
   * `60`.
   */
  timeout?: number
}

const SHAPE: Shape<RedisStoreOptions> = {
  prefix: (value) => (typeof value === 'string' && !/[{}\s]/.test(value) ? undefined : 'must be a string without {}'),
  timeout: number('seconds', 0.01, 60),
}

const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

const REMOVE = `
if ARGV[1] and redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/**
 * Keeps token records, locks and used tokens in Redis, for any number of processes.
 *
 * Every operation on one key is one command, so it is atomic. Several keys are read by one command too, except in a cluster.
 * Values expire by themselves.
 *
 * Create the client with `disableOfflineQueue`: operations then fail while the server is unavailable, and the client
 * reconnects by itself. Listen to its `error` event, or the first error ends the process.
 *
 * @param client - a connected client of node-redis 4 or later; the application creates and closes it
 * @throws `ERR_CONFIGURATION` at construction
 *
 * @example
 * ```ts
 * const client = createClient({ url: process.env.REDIS_URL, disableOfflineQueue: true })
 * client.on('error', (error) => console.error(error))
 * await client.connect()
 * const cookie = { secure: 'auto', sameSite: 'lax' }
 * app.use(session({ store: new RedisStore({ client }), secret, resave: false, saveUninitialized: false, cookie }))
 * app.use(relyingParty({ baseUrl, secret, provider, store: redisStore(client) }))
 * ```
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): AuthStore {
  assertOptions<RedisStoreOptions>(options, 'redisStore', SHAPE)
  const { prefix = 'rp:', timeout = 5 } = options

  /**
   * A command that was given up may still be carried out. That is harmless: a record is replaced and a lock taken by
   * compare-and-set, what was added expires, and what was removed was to be removed.
   */
  function limit<T>(command: Promise<T>): Promise<T> {
    return within(timeout * 1000, `Redis did not answer within ${timeout} s`, command)
  }

  async function run(script: string, key: string, ...values: string[]): Promise<boolean> {
    return Number(await limit(client.eval(script, { keys: [prefix + key], arguments: values }))) === 1
  }

  async function getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    if (!client.mGet || keys.length === 0) return []
    return (await limit(client.mGet(keys.map((key) => prefix + key)))).map(textOf)
  }

  const isCluster = client.slots !== undefined

  return {
    async get(key) {
      return textOf(await limit(client.get(prefix + key)))
    },
    ...(client.mGet && !isCluster ? { getMany } : {}),
    async set(key, value, ttl) {
      await limit(client.set(prefix + key, value, { PX: milliseconds(ttl) }))
    },
    async add(key, value, ttl) {
      return (await limit(client.set(prefix + key, value, { PX: milliseconds(ttl), NX: true }))) !== null
    },
    replace: (key, expected, value, ttl) => run(REPLACE, key, expected, value, String(milliseconds(ttl))),
    remove: (key, expected) => run(REMOVE, key, ...(expected === undefined ? [] : [expected])),
  }
}

/** A client may be configured to return Buffers. */
function textOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}

function milliseconds(ttl: number): number {
  return Math.max(1, Math.ceil(ttl * 1000))
}
