import { startDeadline } from '../deadline.js'

/** Limits how many tasks run at once for each key. Others wait in order, up to a time limit. */
export interface Slots {
  /** Runs a task as soon as a slot is free. @throws {NoSlotError} */
  run<T>(key: string, task: () => Promise<T>): Promise<T>
}

/** No slot is free, and too many tasks already wait or this one has waited too long. */
export class NoSlotError extends Error {}

interface Line {
  running: number
  readonly waiting: Set<() => void>
}

/**
 * Creates {@link Slots}.
 *
 * @param options.max - how many tasks of one key may run at once
 * @param options.maxWaiting - how many tasks of one key may wait
 * @param options.maxWait - how long a task may wait. In seconds.
 */
export function createSlots(options: { max: number; maxWaiting: number; maxWait: number }): Slots {
  const lines = new Map<string, Line>()

  function lineOf(key: string): Line {
    let line = lines.get(key)
    if (!line) {
      line = { running: 0, waiting: new Set() }
      lines.set(key, line)
    }
    return line
  }

  function turn({ waiting }: Line): Promise<void> {
    return new Promise((resolve, reject) => {
      if (waiting.size >= options.maxWaiting) {
        reject(new NoSlotError())
        return
      }
      const enter = () => {
        deadline.clear()
        resolve()
      }
      const deadline = startDeadline(options.maxWait * 1000, () => {
        waiting.delete(enter)
        reject(new NoSlotError())
      })
      waiting.add(enter)
    })
  }

  /** Passes the slot to the task that has waited longest; the number of running tasks stays the same. */
  function leave(key: string, line: Line): void {
    const [next] = line.waiting
    if (next) {
      line.waiting.delete(next)
      next()
      return
    }
    line.running -= 1
    if (line.running === 0) lines.delete(key)
  }

  return {
    async run(key, task) {
      const line = lineOf(key)
      if (line.running < options.max) line.running += 1
      else await turn(line)
      try {
        return await task()
      } finally {
        leave(key, line)
      }
    },
  }
}
