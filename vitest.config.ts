import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = fileURLToPath(new URL('src', import.meta.url))

/** In CI, nothing may be skipped, and `.only` is an error. */
const strict = process.env.REQUIRE_ALL === '1'

export default defineConfig({
  resolve: {
    // Examples import the package by name. In tests, that is the source, so no build is needed.
    alias: [
      { find: /^express-relying-party$/, replacement: `${src}/index.ts` },
      { find: /^express-relying-party\/([a-z-]+)$/, replacement: `${src}/$1.ts` },
    ],
  },
  test: {
    pool: 'forks',
    // The default leaves one core out, which is half of a small machine.
    maxWorkers: '100%',
    // Express prints the errors that tests provoke.
    silent: 'passed-only',
    reporters: ['default', './test/support/run/skippedReporter.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    globalSetup: './test/support/run/servers.ts',
    unstubEnvs: true,
    allowOnly: !strict,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'lcov'],
      reportsDirectory: 'coverage',
    },
    // The groups run one after the other: browsers and package installs would disturb timings.
    projects: [
      {
        extends: true,
        test: {
          name: 'library',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', 'test/package/**'],
          // Files share the modules of a worker: loading openid-client, jose and Express takes longer than most files run.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
