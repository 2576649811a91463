import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const src = fileURLToPath(new URL('src', import.meta.url))

/** Everything is required in CI: nothing may be skipped there, and no test may run alone. */
const strict = process.env.REQUIRE_ALL === '1'

export default defineConfig({
  resolve: {
    // The examples import the package by its name; in tests that is the source, so that no build is needed.
    alias: [
      { find: /^express-relying-party$/, replacement: `${src}/index.ts` },
      { find: /^express-relying-party\/([a-z-]+)$/, replacement: `${src}/$1.ts` },
    ],
  },
  test: {
    pool: 'forks',
    // Express prints the errors that tests cause on purpose.
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
    // In this order, each group after the one before: browsers and package installs would disturb timings.
    projects: [
      {
        extends: true,
        test: {
          name: 'library',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', 'test/package/**'],
          // Files share one module registry per worker: loading openid-client, jose and Express afresh takes longer than most files.
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
