import type { Request } from 'express'
import type { NewEvent } from '../events.js'
import type { RelyingPartyOptions } from './options.js'

/** Reports an event. */
export type Emit = (event: NewEvent, req?: Request) => void

/** Creates {@link Emit}. Errors that `onEvent` throws, at once or later, are ignored: a listener only watches. */
export function createEmit(onEvent: RelyingPartyOptions['onEvent']): Emit {
  if (!onEvent) return () => {}
  return (event, req) => {
    new Promise<void>((resolve) => resolve(onEvent({ ...event, time: Date.now() }, req))).catch(() => {})
  }
}
