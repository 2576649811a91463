/** Servers in the arrangements that applications run them in. Each is started on free ports of a loopback host. */
import { type ChildProcess, execFile } from 'node:child_process'
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, notRoot, ownFolder, postgresProgram } from '../run/programs.js'
import { Servers } from '../run/serverProcesses.js'
import { until } from '../run/waiting.js'
import { connectRedis } from './redis.js'

const run = promisify(execFile)

/** Servers that were started together. */
export interface Topology {
  /** Where clients connect: `host:port` of each server, or one URL. */
  readonly urls: readonly string[]
  close(): Promise<void>
}

/** A topology whose first server can fail. */
export interface FailingTopology extends Topology {
  /** Ends the first server as the loss of its machine would. */
  fail(): Promise<void>
}

/** Starts a Redis Cluster of three nodes. */
export async function startRedisCluster(): Promise<Topology> {
  const servers = new Servers()
  const ports = [await freePort(), await freePort(), await freePort()]
  const buses = [await freePort(), await freePort(), await freePort()]
  await servers.start(async (folder) => {
    for (const [i, port] of ports.entries()) {
      const cluster = [
        '--cluster-enabled',
        'yes',
        '--cluster-port',
        `${buses[i]}`,
        '--cluster-config-file',
        `${port}.conf`,
      ]
      await servers.redis(port, ['--dir', folder, ...cluster])
    }
    const nodes = await Promise.all(ports.map((port) => connectRedis(`redis://127.0.0.1:${port}`)))
    const [first] = nodes
    const borders = [0, 5461, 10_923, 16_384] as const
    for (const [i, node] of nodes.entries()) {
      await node.clusterAddSlotsRange({ start: borders[i] as number, end: (borders[i + 1] as number) - 1 })
      await first?.sendCommand(['CLUSTER', 'MEET', '127.0.0.1', `${ports[i]}`, `${buses[i]}`])
    }
    for (const node of nodes) await until(async () => (await node.clusterInfo()).includes('cluster_state:ok'))
    for (const node of nodes) node.destroy()
  })
  return { urls: ports.map((port) => `redis://127.0.0.1:${port}`), close: () => servers.close() }
}

/** Starts a Redis server, its replica, and a sentinel that promotes the replica. The URL is that of the sentinel. */
export async function startSentinel(name: string): Promise<FailingTopology> {
  const servers = new Servers()
  const [first, second, port] = [await freePort(), await freePort(), await freePort()]
  let primary: ChildProcess | undefined
  await servers.start(async (folder) => {
    primary = await servers.redis(first, ['--dir', folder])
    await servers.redis(second, [
      '--dir',
      folder,
      '--replicaof',
      '127.0.0.1',
      `${first}`,
      '--repl-diskless-sync-delay',
      '0',
    ])
    const file = join(folder, 'sentinel.conf')
    const settings = [`monitor ${name} 127.0.0.1 ${first} 1`, `down-after-milliseconds ${name} 500`]
    await writeFile(file, [`port ${port}`, ...settings.map((setting) => `sentinel ${setting}`)].join('\n'))
    await servers.spawn('redis-server', [file, '--sentinel', '--bind', '127.0.0.1'], /Sentinel ID/)
    const sentinel = await connectRedis(`redis://127.0.0.1:${port}`)
    await until(async () =>
      JSON.stringify(await sentinel.sendCommand(['SENTINEL', 'REPLICAS', name])).includes(`${second}`),
    )
    sentinel.destroy()
  })
  return {
    urls: [`redis://127.0.0.1:${port}`],
    close: () => servers.close(),
    fail: () => servers.kill(primary),
  }
}

/** Starts PgBouncer, which pools transactions, in front of a PostgreSQL server. */
export async function startPgBouncer(postgresUrl: string): Promise<Topology> {
  const servers = new Servers()
  const port = await freePort()
  const { hostname, port: target, username, pathname } = new URL(postgresUrl)
  await servers.start(async (folder) => {
    const as = (await notRoot()) ?? {}
    const file = join(await ownFolder(join(folder, 'pgbouncer'), as), 'pgbouncer.ini')
    const database = `* = host=${hostname} port=${target} user=${username}`
    const settings = [
      'listen_addr=127.0.0.1',
      `listen_port=${port}`,
      'auth_type=any',
      'pool_mode=transaction',
      'unix_socket_dir=',
    ]
    await writeFile(file, ['[databases]', database, '[pgbouncer]', ...settings, 'default_pool_size=5'].join('\n'))
    if (as.uid !== undefined && as.gid !== undefined) await chown(file, as.uid, as.gid)
    await servers.spawn('pgbouncer', [file], /process up/, as)
  })
  return { urls: [`postgres://${username}@127.0.0.1:${port}${pathname}`], close: () => servers.close() }
}

/** Starts a PostgreSQL server whose commits wait for its standby, and a way to promote that. */
export async function startPostgresPair(): Promise<FailingTopology & { promote(): Promise<void> }> {
  const servers = new Servers()
  const [first, second] = [await freePort(), await freePort()]
  const as = (await notRoot()) ?? {}
  let primary: ChildProcess | undefined
  let standby = ''
  await servers.start(async (folder) => {
    const data = await servers.database(join(folder, 'primary'), as)
    standby = await ownFolder(join(folder, 'standby'), as)
    const own = { ...as, cwd: data }
    primary = await servers.postgres(data, first, as)
    const source = `postgres://postgres@127.0.0.1:${first}/postgres?application_name=standby`
    await run(postgresProgram('pg_basebackup'), ['-D', standby, '-R', '-c', 'fast', '--no-sync', '-d', source], own)
    await servers.postgres(standby, second, as)
    const sql = `alter system set synchronous_standby_names = 'standby'; select pg_reload_conf()`
    for (const command of sql.split('; ')) await run(postgresProgram('psql'), ['-c', command, source], own)
    const state = ['-Atc', 'select sync_state from pg_stat_replication', source]
    await until(async () => (await run(postgresProgram('psql'), state, own)).stdout.trim() === 'sync')
  })
  const url = (port: number) => `postgres://postgres@127.0.0.1:${port}/postgres`
  return {
    urls: [url(first), url(second)],
    close: () => servers.close(),
    fail: () => servers.kill(primary),
    promote: async () =>
      void (await run(postgresProgram('pg_ctl'), ['promote', '-w', '-D', standby], { ...as, cwd: standby })),
  }
}
