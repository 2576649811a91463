/** A time limit that has not been reached yet. */
export interface Deadline {
  /** Stops the clock. */
  clear(): void
}

/**
 * Calls `expire` once after a time, unless it is cleared.
 *
 * If a process stalls (garbage collection, a paused container, a moved virtual machine), its timers fire before its sockets
 * are read. An answer that has arrived in the meantime must still count, so the deadline gives the event loop one turn
 * more, and another for as long as each turn reads something.
 *
 * @param ms - in milliseconds
 * @param received - returns a number that grows with everything that is read
 */
export function startDeadline(ms: number, expire: () => void, received: () => number = () => 0): Deadline {
  let cleared = false
  const defer = (before: number) => {
    setImmediate(() => {
      if (cleared) return
      const now = received()
      if (now === before) expire()
      else defer(now)
    })
  }
  const timer = setTimeout(() => defer(received()), ms)
  return {
    clear() {
      cleared = true
      clearTimeout(timer)
    },
  }
}

/** A promise did not settle in time. */
export class DeadlineError extends Error {}

/**
 * Resolves or rejects as a promise does, or rejects with a {@link DeadlineError} after a time. What the promise does
 * afterwards is ignored.
 *
 * @param ms - in milliseconds
 * @param message - the message of the error
 */
export function within<T>(ms: number, message: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadline = startDeadline(ms, () => reject(new DeadlineError(message)))
    promise.then(resolve, reject).finally(() => deadline.clear())
  })
}
