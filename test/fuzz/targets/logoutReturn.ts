import fc from 'fast-check'
import { cookiesOf } from '../exchange.js'
import { send, type Target } from '../harness.js'
import { createWorld, ISSUER, ORIGIN, signIn } from '../relyingPartyWorld.js'
import {
  type Change,
  changes,
  encodeParameters,
  type ParameterChanges,
  parameterChanges,
  rarely,
  spoil,
} from '../spoil.js'

interface ReturnInput {
  readonly returnTo: readonly Change[]
  readonly returned: ParameterChanges
  readonly cookie: readonly Change[]
}

/** What comes back after a logout at the provider. */
export const logoutReturnTarget: Target<ReturnInput> = {
  name: 'logoutReturn',
  accepted: 0.1,
  input: fc.record({
    returnTo: rarely(changes, []),
    returned: parameterChanges('state'),
    cookie: rarely(changes, []),
  }),
  async prepare() {
    const world = createWorld()
    return async ({ returnTo, returned, cookie }) => {
      const session = await signIn(world)
      const query = new URLSearchParams({ returnTo: spoil('/goodbye?a=1', returnTo) }).toString()
      const out = await send(world, { method: 'POST', url: `/logout?${query}`, headers: [['cookie', session]] })
      const [, state] = /[?&;]state=([\w-]+)/.exec(out.location ?? out.body) ?? []
      const { location } = await send(world, {
        url: `/?${encodeParameters(state === undefined ? {} : { state }, returned)}`,
        headers: [['cookie', spoil(cookiesOf(out), cookie)]],
      })
      if (location !== undefined && new URL(location, ORIGIN).origin !== ORIGIN)
        throw new Error(`it leads to ${location}`)
      return location === undefined ? 'refused' : 'accepted'
    }
  },
}

/** Front-channel logouts. */
export const frontchannelTarget: Target<ParameterChanges> = {
  name: 'frontchannel',
  accepted: 0.1,
  input: parameterChanges('iss', 'sid'),
  async prepare() {
    const world = createWorld()
    return async (parameters) => {
      const answer = await send(world, {
        url: `/frontchannel?${encodeParameters({ iss: ISSUER, sid: 's1' }, parameters)}`,
      })
      return answer.status === 200 ? 'accepted' : 'refused'
    }
  },
}
