import express, { type RequestHandler } from 'express'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzz, send, type Target, type World } from './harness.js'

/** An application that answers with 200, but for numbers divisible by a hundred, where it does what it is told to. */
function targetOf(misbehave: RequestHandler): Target<number> {
  return {
    name: 'example',
    accepted: 0.9,
    input: fc.nat({ max: 10_000 }),
    async prepare() {
      const app = express().set('env', 'test')
      const errors: unknown[] = []
      app.get('/:number', (req, res, next) => {
        if (Number(req.params.number) % 100 === 0) misbehave(req, res, next)
        else res.send('well')
      })
      const keep: express.ErrorRequestHandler = (error, _req, _res, next) => {
        errors.push(error)
        next(error)
      }
      app.use(keep)
      const world: World = { app, errors }
      return async (number) => {
        const { status } = await send(world, { url: `/${number}` })
        return status === 200 ? 'accepted' : 'refused'
      }
    },
  }
}

/** Uses the CPU for so many milliseconds, however busy the machine is. */
function burn(milliseconds: number): void {
  const before = process.cpuUsage()
  const used = () => process.cpuUsage(before).user / 1000
  while (used() < milliseconds) JSON.parse(JSON.stringify(Array.from({ length: 10_000 }, String)))
}

const OPTIONS = { seed: 7, runs: 500 }

describe('the fuzzing', () => {
  it('accepts an application that is sound', async () => {
    const sound = targetOf((_req, res) => void res.send('well'))
    expect(await fuzz(sound, OPTIONS)).toEqual({ runs: 500, accepted: 500 })
  })

  it.each<[what: string, misbehave: RequestHandler, complaint: string]>([
    [
      'an exception',
      () => {
        throw new TypeError('x is not a function')
      },
      'an exception',
    ],
    ['status 500', (_req, res) => void res.status(500).send('sorry'), 'the answer is 500'],
    ['an outage where there is none', (_req, res) => void res.status(503).send('sorry'), 'the answer is 503'],
    [
      'an error that is not handled',
      (_req, res) => {
        void Promise.reject(new Error('lost'))
        res.send('well')
      },
      'an error was not handled',
    ],
    [
      'CPU time burnt',
      (_req, res) => {
        burn(150)
        res.send('well')
      },
      'ms of CPU time',
    ],
    [
      'a cookie that browsers drop',
      (_req, res) => void res.cookie('a', 'a'.repeat(5_000)).send('well'),
      'a cookie has',
    ],
  ])('catches %s', { timeout: 60_000 }, async (_what, misbehave, complaint) => {
    const found = await fuzz(targetOf(misbehave), OPTIONS).catch((error: unknown) => error as Error)
    expect(found).toBeInstanceOf(Error)
    expect(String(found)).toContain(complaint)
    expect(String(found)).toMatch(/input: \d+\nreplay: npm run fuzz -- --target example --seed 7 --path [\d:]+/)
  })

  it('finds an input again by its seed and path, in the smallest form', async () => {
    const broken = targetOf((_req, res) => void res.status(500).send('sorry'))
    const found = String(await fuzz(broken, OPTIONS).catch((error: unknown) => error))
    expect(found).toContain('input: 0\n')
    const path = /--path (\S+)/.exec(found)?.[1] ?? ''
    expect(String(await fuzz(broken, { ...OPTIONS, path }).catch((error: unknown) => error))).toBe(found)
  })

  it('does not count what waits without using the CPU', async () => {
    const slow = targetOf((_req, res) => void setTimeout(() => res.send('well'), 120))
    expect(await fuzz(slow, { seed: 7, runs: 50 })).toMatchObject({ runs: 50 })
  })

  it('fails where too few inputs are accepted to test anything', async () => {
    const closed = targetOf((_req, res) => void res.status(400).send('no'))
    const strict = { ...closed, accepted: 0.999 }
    await expect(fuzz(strict, OPTIONS)).rejects.toThrow('were accepted, so most miss what they test')
  })
})
