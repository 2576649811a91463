import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url))
const config = fileURLToPath(new URL('fixtures/vitest.config.ts', import.meta.url))

/** Runs a fixture in another process, so that this run neither skips nor fails. */
function run(fixture: string, variables: Record<string, string>): { status: number | null; output: string } {
  const { VITEST_POOL_ID: _, REQUIRE_ALL: __, REDIS_URL: ___, ...env } = process.env
  const child = spawnSync(process.execPath, [vitest, 'run', '--config', config, fixture], {
    env: { ...env, NO_COLOR: '1', ...variables },
    encoding: 'utf8',
    timeout: 15_000,
  })
  return { status: child.status, output: child.stdout + child.stderr }
}

describe('describeWith', () => {
  it('skips tests whose requirement is missing, and prints why', () => {
    const { status, output } = run('redis.fixture', {})
    expect(output).toMatch(/^skipped: Redis tests: no server \(install redis-server.*\[2 tests\]$/m)
    expect(status).toBe(0)
  })

  it('fails instead with REQUIRE_ALL=1', () => {
    const { status, output } = run('redis.fixture', { REQUIRE_ALL: '1' })
    expect(output).toContain('REQUIRE_ALL=1, but this would skip Redis tests')
    expect(status).toBe(1)
  })

  it('runs if the requirement is met', () => {
    const { status, output } = run('redis.fixture', { REQUIRE_ALL: '1', REDIS_URL: 'redis://127.0.0.1:1' })
    expect(output).toMatch(/Tests\s+2 passed/)
    expect(output).not.toContain('skipped')
    expect(status).toBe(0)
  })
})

describe('the report of a run', () => {
  it('names every other skipped test', () => {
    const { status, output } = run('plain.fixture', {})
    expect(output).toContain('skipped: plain.fixture.ts: is switched off')
    expect(status).toBe(0)
  })

  it('fails because of it with REQUIRE_ALL=1', () => {
    const { status, output } = run('plain.fixture', { REQUIRE_ALL: '1' })
    expect(output).toContain('REQUIRE_ALL=1: skipped tests fail this run')
    expect(status).toBe(1)
  })
})
