import { readFileSync } from 'node:fs'
import { defineConfig } from 'tsup'

interface Manifest {
  homepage?: string
  exports: Record<string, string | { default: string }>
}

const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as Manifest

/** `"./redis": { "default": "./dist/redis.js" }` in package.json is built from `src/redis.ts`: one list, kept there. */
function entries(): string[] {
  return Object.values(manifest.exports).flatMap((target) => {
    const built = typeof target === 'string' ? undefined : /^\.\/dist\/(.+)\.js$/.exec(target.default)?.[1]
    return built === undefined ? [] : [`src/${built}.ts`]
  })
}

export default defineConfig({
  entry: entries(),
  // One build: every Node version in `engines` can `require()` it, and state can not live twice in one process.
  format: 'esm',
  target: 'node20.19',
  platform: 'node',
  // The subpaths share chunks, for the same reason.
  splitting: true,
  dts: true,
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
  define: { __HOMEPAGE__: JSON.stringify(manifest.homepage ?? null) },
})
