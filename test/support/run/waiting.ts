import { setTimeout as wait } from 'node:timers/promises'
import { onTestFinished, vi } from 'vitest'

/** Fakes `Date`, and nothing else, until the test is finished. Call it in a test or before each. */
export function fakeDate(): void {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** Moves a faked `Date` on. In seconds. */
export function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

/** Waits until a condition holds, in real time: `vi.waitUntil` would advance a faked clock. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await isSo()); attempt++) {
    if (attempt === 5000) throw new Error('the condition did not come to hold')
    await wait(2)
  }
}

/** A gate that is shut until it is opened. */
export function gate(): { open: () => void; opened: Promise<void> } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}
