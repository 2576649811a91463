import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningProvider, startProvider } from '../../examples/provider/index.js'
import { asInstalledHere, createConsumer, installIn, withApplication } from './consumer.js'
import { pack } from './pack.js'
import { type Outcome, run, runOrThrow } from './run.js'
import { expectSignIn } from './signIn.js'

const bin = fileURLToPath(new URL('../../node_modules/.bin/', import.meta.url))
const user = 'ada'

interface Manifest {
  version: string
  exports: Record<string, string | { types: string; default: string }>
}

let directory: string
let tarball: string
let unpacked: string
let manifest: Manifest

beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'express-relying-party-')))
  tarball = await pack(directory)
  await runOrThrow('tar', ['-xzf', tarball], directory)
  unpacked = join(directory, 'package')
  manifest = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8')) as Manifest
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** The subpaths that hold code, by the name an application imports. */
function specifiers(): string[] {
  return Object.entries(manifest.exports)
    .filter(([, target]) => typeof target !== 'string')
    .map(([subpath]) => subpath.replace('.', 'express-relying-party'))
}

/** What a program that failed has said. */
function complaints({ status, stdout, stderr }: Outcome): string | undefined {
  return status === 0 ? undefined : stdout + stderr
}

function publint(file: string): Promise<Outcome> {
  return run(join(bin, 'publint'), ['run', '--strict', file], directory)
}

/**
 * Leaves out one rule: `cjs-resolves-to-esm` warns that `require()` reaches an ES module. That is meant here: there is one
 * build, every Node version in `engines` can require it, and a test below does.
 */
function attw(file: string): Promise<Outcome> {
  const flags = ['--no-definitely-typed', '--ignore-rules', 'cjs-resolves-to-esm', '--format', 'ascii', '--no-emoji']
  // The file comes first: `--ignore-rules` takes every word after it.
  return run(join(bin, 'attw'), [file, ...flags], directory)
}

describe('the tarball', () => {
  it('holds the build and the four documents, and nothing else', async () => {
    const listed = (await runOrThrow('tar', ['-tzf', tarball], directory)).trim().split('\n')
    const files = listed.map((path) => path.replace(/^package\//, '')).sort()
    const build = files.filter((path) => /^dist\/[\w-]+(\.js|\.js\.map|\.d\.ts)$/.test(path))
    expect(files.filter((path) => !build.includes(path))).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ])
    for (const target of Object.values(manifest.exports)) {
      if (typeof target === 'string') continue
      expect(build).toContain(target.default.slice(2))
      expect(build).toContain(target.types.slice(2))
    }
  })

  it('maps the build to the sources of the library alone', async () => {
    const listed = (await runOrThrow('tar', ['-tzf', tarball], directory)).trim().split('\n')
    const maps = listed.filter((path) => path.endsWith('.map'))
    expect(maps.length).toBeGreaterThan(0)
    for (const path of maps) {
      const { sources } = JSON.parse(await readFile(join(directory, path), 'utf8')) as { sources: string[] }
      expect(sources.filter((source) => !source.startsWith('../src/'))).toEqual([])
    }
  })

  it('has no second copy of what it depends on', async () => {
    const listed = (await runOrThrow('tar', ['-tzf', tarball], directory)).trim().split('\n')
    const texts = await Promise.all(
      listed.filter((path) => path.endsWith('.js')).map((path) => readFile(join(directory, path), 'utf8')),
    )
    const imported = texts.flatMap((text) =>
      [...text.matchAll(/from\s*['"]([^'".][^'"]*)['"]/g)].map(([, name]) => name),
    )
    expect(imported).toContain('openid-client')
    expect(imported.map((name) => name?.split('/')[0])).toContain('jose')
    expect(imported).toContain('lru-cache')
  })

  it('passes publint', async () => {
    expect(complaints(await publint(tarball))).toBeUndefined()
  })

  it('passes are-the-types-wrong', async () => {
    expect(complaints(await attw(tarball))).toBeUndefined()
  })

  it('would fail both with a subpath that was not built', async () => {
    const spoiled = join(directory, 'spoiled')
    await cp(unpacked, join(spoiled, 'package'), { recursive: true })
    const missing = { './missing': { types: './dist/missing.d.ts', default: './dist/missing.js' } }
    const exports = { ...manifest.exports, ...missing }
    await writeFile(join(spoiled, 'package', 'package.json'), JSON.stringify({ ...manifest, exports }))
    await runOrThrow('tar', ['-czf', 'spoiled.tgz', 'package'], spoiled)
    expect(complaints(await publint(join(spoiled, 'spoiled.tgz')))).toContain('missing')
    expect(complaints(await attw(join(spoiled, 'spoiled.tgz')))).toContain('missing')
  })
})

describe('an application that installs the tarball', () => {
  let provider: RunningProvider

  beforeAll(async () => {
    provider = await startProvider({ autoSignIn: user })
  })

  afterAll(async () => {
    await provider.close()
  })

  it('signs in as an ES module on Express 5', async () => {
    const consumer = await createConsumer(join(directory, 'esm'), {
      type: 'module',
      files: ['main.js', 'one-instance.mjs'],
      packages: [tarball, await asInstalledHere('express'), await asInstalledHere('express-session')],
    })
    await withApplication(join(consumer, 'main.js'), provider, (url) => expectSignIn(url, provider.issuer, user))
  })

  it("signs in with the README's first program", async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    const [, program = ''] = /```js\n([\s\S]*?)```/.exec(readme) ?? []
    const listen = "app.listen(new URL(baseUrl).port, '127.0.0.1', () => console.log('listening'))"
    expect(program).toContain('app.listen(3000)')
    const main = join(directory, 'esm', 'readme.js')
    await writeFile(main, program.replace('app.listen(3000)', listen))
    await withApplication(main, provider, (url) => expectSignIn(url, provider.issuer, user))
  })

  it('gets the same module by import and by require, so that no state lives twice', async () => {
    const consumer = join(directory, 'esm')
    const printed = await runOrThrow(process.execPath, ['one-instance.mjs', ...specifiers()], consumer)
    expect(JSON.parse(printed)).toEqual(Object.fromEntries(specifiers().map((specifier) => [specifier, []])))
  })

  it('signs in as a CommonJS module on Express 4', async () => {
    const consumer = await createConsumer(join(directory, 'commonjs'), {
      type: 'commonjs',
      files: ['main.cjs'],
      packages: [tarball, await asInstalledHere('express', 'express4'), await asInstalledHere('express-session')],
    })
    const main = join(consumer, 'main.cjs')
    const { stderr } = await withApplication(main, provider, (url) => expectSignIn(url, provider.issuer, user))
    expect(stderr).not.toContain('ExperimentalWarning')
  })

  describe('in TypeScript', () => {
    let consumer: string
    let tsc: string

    beforeAll(async () => {
      const names = [
        'express',
        'express-session',
        'typescript',
        '@types/express',
        '@types/express-session',
        '@types/node',
      ]
      consumer = await createConsumer(join(directory, 'typescript'), {
        type: 'module',
        files: ['main.ts', 'misuse.ts'],
        packages: [tarball, ...(await Promise.all(names.map((name) => asInstalledHere(name))))],
      })
      tsc = join(consumer, 'node_modules', '.bin', 'tsc')
    })

    const common = ['--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--types', 'node']

    it.each([
      ['as an ES module', 'esm', 'module', ['--module', 'nodenext']],
      ['as CommonJS that Node resolves', 'cjs', 'commonjs', ['--module', 'nodenext', '--esModuleInterop']],
      [
        'as CommonJS with the classic settings of many applications',
        'classic',
        'commonjs',
        ['--module', 'commonjs', '--moduleResolution', 'node10', '--esModuleInterop'],
      ],
    ])('compiles and signs in %s', async (_how, outDir, type, settings) => {
      await runOrThrow('npm', ['pkg', 'set', `type=${type}`], consumer)
      const args = [...common, ...settings, '--outDir', outDir, 'main.ts']
      expect(await run(tsc, args, consumer)).toEqual({ status: 0, stdout: '', stderr: '' })
      const main = join(consumer, outDir, 'main.js')
      await withApplication(main, provider, (url) => expectSignIn(url, provider.issuer, user))
    })

    it('compiles with the types of Express 4, except for a wrong option', async () => {
      await installIn(consumer, [await asInstalledHere('@types/express', '@types/express4')])
      const args = [...common, '--module', 'nodenext', '--noEmit', 'main.ts', 'misuse.ts']
      const { status, stdout } = await run(tsc, args, consumer)
      expect(stdout).toMatch(/^misuse\.ts\(4,\d+\): error TS2322.*\n(?: .*\n)*$/)
      expect(status).not.toBe(0)
    })
  })
})
