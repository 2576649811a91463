import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runOrThrow } from './run.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What a build or the tarball does not need. */
const left = ['node_modules', 'dist', 'coverage', '.git', 'test', 'examples', 'docs', 'benchmark']

/**
 * Builds and packs a copy of this repository, as `npm publish` would; the working tree stays as it is.
 *
 * @returns The tarball's path.
 */
export async function pack(directory: string): Promise<string> {
  const copy = join(directory, 'repository')
  await mkdir(copy)
  await cp(root, copy, { recursive: true, filter: (path) => !left.includes(basename(path)) })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  await runOrThrow('npm', ['pack', '--pack-destination', directory], copy)
  const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack left no tarball')
  return join(directory, tarball)
}
