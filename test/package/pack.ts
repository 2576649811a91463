import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runOrThrow } from './run.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What neither a build nor an example needs. */
const left = ['node_modules', 'dist', 'coverage', '.git', 'test', 'docs', 'benchmark']

/** Copies this repository, with the packages it has installed, so that the working tree stays as it is. */
export async function copyRepository(directory: string): Promise<string> {
  const copy = join(directory, 'repository')
  await mkdir(copy)
  await cp(root, copy, { recursive: true, filter: (path) => !left.includes(basename(path)) })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  return copy
}

/**
 * Builds and packs a copy of this repository, as `npm publish` would.
 *
 * @returns The tarball's path.
 */
export async function pack(directory: string): Promise<string> {
  const copy = await copyRepository(directory)
  await runOrThrow('npm', ['pack', '--pack-destination', directory], copy)
  const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack left no tarball')
  return join(directory, tarball)
}
