import { setTimeout as wait } from 'node:timers/promises'
import { onTestFinished, vi } from 'vitest'

/** Fakes `Date`, and nothing else, for one test. Call it before each. */
export function fakeDate(): void {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** Lets time pass, where `Date` is faked. In seconds. */
export function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000)
}

/** Waits until something is so, in real time: `vi.waitUntil` would move a faked clock on. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let attempt = 0; !isSo(); attempt++) {
    if (attempt === 5000) throw new Error('it did not come to be so')
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
