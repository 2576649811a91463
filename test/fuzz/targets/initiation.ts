import fc from 'fast-check'
import { send, type Target } from '../harness.js'
import { createWorld, ISSUER, ORIGIN } from '../relyingPartyWorld.js'
import { encodeParameters, type ParameterChanges, parameterChanges } from '../spoil.js'

interface Input {
  readonly method: 'GET' | 'POST'
  readonly parameters: ParameterChanges
}

const USUAL = {
  iss: ISSUER,
  login_hint: 'ada@example.com',
  target_link_uri: `${ORIGIN}/reports`,
}

/** Logins that a third party initiates, and the query of a login. */
export const initiationTarget: Target<Input> = {
  name: 'initiation',
  accepted: 0.2,
  input: fc.record({
    method: fc.constantFrom('GET' as const, 'POST' as const),
    parameters: parameterChanges(...Object.keys(USUAL), 'provider', 'returnTo', 'step_up', 'scope'),
  }),
  async prepare() {
    const world = createWorld()
    return async ({ method, parameters }) => {
      const text = encodeParameters(USUAL, parameters)
      const form = { headers: [['content-type', 'application/x-www-form-urlencoded']] as const, body: text }
      const answer = await send(
        world,
        method === 'GET' ? { url: `/login?${text}` } : { method, url: '/login', ...form },
      )
      const { location } = answer
      if (location !== undefined && ![ISSUER, ORIGIN].includes(new URL(location, ORIGIN).origin)) {
        throw new Error(`it leads to ${location}`)
      }
      return location === undefined ? 'refused' : 'accepted'
    }
  },
}
