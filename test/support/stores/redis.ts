import { createClient, type RedisClientOptions } from 'redis'

export type Client = ReturnType<typeof createClient>

/** Connects a client that fails at once while the server is down, as an application's should. */
export async function connectRedis(url: string, options: RedisClientOptions = {}): Promise<Client> {
  const socket = { reconnectStrategy: 50, ...options.socket } as NonNullable<RedisClientOptions['socket']>
  const client = createClient({ url, disableOfflineQueue: true, ...options, socket }) as Client
  // A lost connection shows in the commands that fail.
  client.on('error', () => {})
  await client.connect()
  return client
}
