import { describe, expect, it } from 'vitest'
import { targets } from './targets/index.js'

// The seed is always the same, so that a change is judged by itself: `npm run fuzz` takes a new one each time.
const SEED = 1

describe('fuzzed input gets a clean answer, in little time', () => {
  it.each(targets)('$name', { timeout: 120_000 }, async ({ run, runs }) => {
    expect(await run({ seed: SEED, runs })).toMatchObject({ runs })
  })
})
