import fc from 'fast-check'
import { later } from '../clock.js'
import { type Envelope, envelope, replyOf } from '../envelope.js'
import { cookiesOf } from '../exchange.js'
import { PROVIDER_AT_FAULT, send, type Target } from '../harness.js'
import { createWorld } from '../relyingPartyWorld.js'
import { type Change, changes, rarely, spoil } from '../spoil.js'
import { encodeJson, type JsonChanges, jsonChanges } from '../spoilJson.js'

interface Input {
  readonly device: JsonChanges
  readonly deviceEnvelope: Envelope
  readonly cookie: readonly Change[]
  readonly error: string
  readonly poll: JsonChanges
  readonly pollEnvelope: Envelope
  readonly accept: string
}

/** The device authorization response, the cookie of a device login, and the answer to a poll. */
export const deviceTarget: Target<Input> = {
  name: 'device',
  accepted: 0.05,
  input: fc.record({
    device: jsonChanges(
      'device_code',
      'user_code',
      'verification_uri',
      'verification_uri_complete',
      'expires_in',
      'interval',
    ),
    deviceEnvelope: envelope,
    cookie: rarely(changes, []),
    error: fc.constantFrom(
      '',
      '',
      'authorization_pending',
      'slow_down',
      'access_denied',
      'expired_token',
      'invalid_grant',
    ),
    poll: jsonChanges('access_token', 'id_token', 'expires_in', 'scope', 'error', 'error_description'),
    pollEnvelope: envelope,
    accept: fc.constantFrom('application/json', 'text/html', '*/*'),
  }),
  async prepare() {
    const world = createWorld()
    const { provider } = world
    return async ({ device, deviceEnvelope, cookie, error, poll, pollEnvelope, accept }) => {
      provider.nonce = undefined
      provider.replies['/device'] = () =>
        replyOf(encodeJson({ ...provider.usualJson('/device') }, device), deviceEnvelope)
      provider.replies['/token'] = () => {
        if (error === '') return replyOf(encodeJson({ ...provider.usualJson('/token') }, poll), pollEnvelope)
        const status = pollEnvelope.status === 200 ? 400 : pollEnvelope.status
        return replyOf(encodeJson({ error, error_description: 'Not now.' }, poll), { ...pollEnvelope, status })
      }
      const shown = await send(world, { url: '/device', headers: [['accept', accept]] }, PROVIDER_AT_FAULT)
      if (shown.status !== 200) return 'refused'
      const headers = [
        ['accept', accept],
        ['cookie', spoil(cookiesOf(shown), cookie)],
      ] as const
      const answer = await later(61, () => send(world, { url: '/device', headers }, PROVIDER_AT_FAULT))
      const signedIn = answer.status === 303 || answer.body.includes('"signed_in"')
      return signedIn ? 'accepted' : 'refused'
    }
  },
}
