import { describe, expect, it } from 'vitest'
import { targets } from './targets/index.js'

// A fixed seed, so that only a change of the code can change the result. `npm run fuzz` picks a new one each time.
const SEED = 1

describe('fuzzed input gets a clean answer, in little time', () => {
  it.each(targets)('$name', { timeout: 120_000 }, async ({ run, runs }) => {
    expect(await run({ seed: SEED, runs })).toMatchObject({ runs })
  })
})
