import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RunningProvider } from '../../examples/provider/index.js'
import { environment, runOrThrow } from './run.js'

const sources = fileURLToPath(new URL('consumers/', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))

/** Sets up a fresh project and installs the tarball in it with npm, as an application's developer would. */
export async function createConsumer(
  directory: string,
  options: { type: 'module' | 'commonjs'; files: readonly string[]; packages: readonly string[] },
): Promise<string> {
  await mkdir(directory)
  await writeFile(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: options.type }),
  )
  for (const file of options.files) await copyFile(join(sources, file), join(directory, file))
  await installIn(directory, options.packages)
  return directory
}

/** Installs packages; those in npm's cache need no network. */
export async function installIn(directory: string, packages: readonly string[]): Promise<void> {
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock']
  await runOrThrow('npm', ['install', ...flags, ...packages], directory)
}

/** `name@version` as this repository has it; `alias` where it is installed under another name. */
export async function asInstalledHere(name: string, alias = name): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'node_modules', alias, 'package.json'), 'utf8')) as {
    version: string
  }
  return `${name}@${manifest.version}`
}

/** Starts a consumer's application, registers it at the provider, and stops it when `use` is done. */
export async function withApplication(
  main: string,
  provider: RunningProvider,
  use: (baseUrl: string) => Promise<void>,
): Promise<{ stderr: string }> {
  const baseUrl = `http://127.0.0.1:${await freePort()}`
  await provider.addClient({
    client_id: 'consumer',
    client_secret: 'consumer secret',
    redirect_uris: [`${baseUrl}/callback`],
  })
  const child = spawn(process.execPath, [main], {
    env: {
      ...environment(),
      BASE_URL: baseUrl,
      ISSUER: provider.issuer,
      CLIENT_ID: 'consumer',
      CLIENT_SECRET: 'consumer secret',
      SECRET: 'a secret of this test and of nothing else',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = once(child, 'exit')
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as unknown[]
  try {
    if (line !== 'listening') throw new Error(`${main} did not start:\n${stderr}`)
    await use(baseUrl)
  } finally {
    child.kill()
    await ended
  }
  return { stderr }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
