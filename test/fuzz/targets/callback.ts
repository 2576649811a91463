import fc from 'fast-check'
import { send, type Target } from '../harness.js'
import { begin, createWorld, ORIGIN, response } from '../relyingPartyWorld.js'
import {
  type Change,
  changes,
  encodeParameters,
  type ParameterChanges,
  parameterChanges,
  rarely,
  seldom,
  spoil,
} from '../spoil.js'

interface Input {
  readonly method: 'GET' | 'POST'
  readonly parameters: ParameterChanges
  readonly failed: boolean
  readonly type: readonly Change[]
  readonly cookie: readonly Change[]
}

/** The authorization response, by query and by form_post. */
export const callbackTarget: Target<Input> = {
  name: 'callback',
  accepted: 0.1,
  input: fc.record({
    method: fc.constantFrom('GET' as const, 'POST' as const),
    parameters: parameterChanges('code', 'state', 'iss', 'error', 'error_description', 'id_token', 'session_state'),
    failed: seldom(fc.constant(true), false),
    type: rarely(changes, []),
    cookie: rarely(changes, []),
  }),
  async prepare() {
    const worlds = {
      GET: createWorld(),
      POST: createWorld({ responseMode: 'form_post' }),
    }
    return async ({ method, parameters, failed, type, cookie }) => {
      const world = worlds[method]
      const login = await begin(world)
      const error = { error: 'access_denied', error_description: 'The user said no.' }
      const usual = { ...response(login), ...(failed ? error : {}) }
      const text = encodeParameters(usual, parameters)
      const cookies = ['cookie', spoil(login.cookie, cookie)] as const
      const sent =
        method === 'GET'
          ? { url: `/callback?${text}`, headers: [cookies] }
          : {
              method,
              url: '/callback',
              headers: [cookies, ['content-type', spoil('application/x-www-form-urlencoded', type)] as const],
              body: text,
            }
      // The provider itself may say that it is unavailable.
      const answer = await send(world, sent, [503])
      if (answer.location !== undefined && !answer.location.startsWith(`${ORIGIN}/`)) {
        throw new Error(`it redirects to ${answer.location}`)
      }
      return answer.status === 303 && answer.location === `${ORIGIN}/` ? 'accepted' : 'refused'
    }
  },
}
