import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { presets } from '../providers/presets.js'

const require = createRequire(import.meta.url)

/** The part of esbuild, which tsup brings along, that is used here. */
interface Esbuild {
  build(options: object): Promise<{
    outputFiles: { text: string }[]
    metafile: { inputs: Record<string, { imports: { path: string; kind: string }[] }> }
  }>
}

const { build } = createRequire(require.resolve('tsup'))('esbuild') as Esbuild

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Bundles an application that imports names from `express-relying-party/providers`. */
async function bundle(names: string) {
  const contents = `import { ${names} } from './src/providers.ts'\nconsole.log(${names})`
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    minifySyntax: true,
  })
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports)
  return { text: outputFiles[0]?.text ?? '', imports }
}

describe('express-relying-party/providers', () => {
  it.each(Object.keys(presets))('brings along only %s if that is imported', async (id) => {
    const { text } = await bundle(id)
    expect(text).toContain(`id: "${id}"`)
    const others = Object.entries(presets).filter(([other]) => other !== id)
    const found = others.filter(
      ([other, { row }]) =>
        text.includes(`id: "${other}"`) ||
        text.includes(`"${row.displayName}"`) ||
        (row.brand.mark !== undefined && text.includes(row.brand.mark)),
    )
    expect(found.map(([other]) => other)).toEqual([])
    const hosts = [...text.matchAll(/https:\/\/([\w.-]+)/g)].map(([, host]) => host)
    expect((await bundle(`${id}, ${others[0]?.[0]}`)).text).toContain(`id: "${others[0]?.[0]}"`)
    // A preset names no more than its own hosts: a handful.
    expect(new Set(hosts).size).toBeLessThan(8)
  })

  it('loads neither openid-client nor jose nor Express, nor modules of Node', async () => {
    const { imports } = await bundle(Object.keys(presets).join(', '))
    const loaded = imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path)
    expect(loaded.filter((path) => !path.startsWith('src/'))).toEqual([])
    const later = imports.filter(({ kind }) => kind === 'dynamic-import').map(({ path }) => path)
    expect(new Set(later)).toEqual(new Set(['jose/jwt/sign', 'node:crypto']))
  })
})
