import { createClient } from 'redis'

/** A connected client for tests: it fails at once where the server is gone, as an application's should. */
export async function connectRedis(url: string): Promise<ReturnType<typeof createClient>> {
  const client: ReturnType<typeof createClient> = createClient({ url, disableOfflineQueue: true })
  // What is lost shows in the commands that fail.
  client.on('error', () => {})
  await client.connect()
  return client
}
