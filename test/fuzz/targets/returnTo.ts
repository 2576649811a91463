import fc from 'fast-check'
import { send, type Target } from '../harness.js'
import { begun, createWorld, ORIGIN, response } from '../relyingPartyWorld.js'
import { type Change, changes, spoil } from '../spoil.js'

interface Input {
  readonly route: 'login' | 'initiation' | 'device'
  readonly address: string
  readonly changes: readonly Change[]
}

const ADDRESSES = [
  '/',
  '/reports?year=2024#top',
  '/a%20b/%E2%9C%93?q=%2F%2Fx',
  `${ORIGIN}/reports`,
  '//evil.example',
  '/\\evil.example',
  '/%2f%2fevil.example',
  'https://evil.example/',
  `${ORIGIN}.evil.example/`,
  `${ORIGIN}@evil.example/`,
  '/\t/evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  'javascript:alert(1)',
  `/${'a'.repeat(1000)}`,
  `/?${'%F0%9F%92%A5'.repeat(150)}`,
]

/** Where the user is to go after login: nothing leads out of the application. */
export const returnToTarget: Target<Input> = {
  name: 'returnTo',
  accepted: 0.2,
  input: fc.record({
    route: fc.constantFrom('login' as const, 'login' as const, 'initiation' as const, 'device' as const),
    address: fc.constantFrom(...ADDRESSES),
    changes,
  }),
  async prepare() {
    const world = createWorld()
    return async ({ route, address, changes }) => {
      const asked = spoil(address, changes)
      if (route === 'device') {
        const query = new URLSearchParams({ returnTo: asked }).toString()
        await send(world, { url: `/device?${query}`, headers: [['accept', 'text/html']] })
        return 'accepted'
      }
      const query = route === 'login' ? { returnTo: asked } : { iss: 'https://op.example.com', target_link_uri: asked }
      const started = await send(world, { url: `/login?${new URLSearchParams(query).toString()}` })
      if (started.status === 400) return 'refused'
      const login = begun(world, started)
      const answer = await send(world, {
        url: `/callback?${new URLSearchParams(response(login)).toString()}`,
        headers: [['cookie', login.cookie]],
      })
      if (answer.status !== 303) throw new Error(`the login ended with ${answer.status}`, { cause: world.errors[0] })
      const { location = '' } = answer
      if (!location.startsWith(`${ORIGIN}/`) || new URL(location).origin !== ORIGIN || /[\s\\]/.test(location)) {
        throw new Error(`it leads to ${location}`)
      }
      return location === `${ORIGIN}/` ? 'refused' : 'accepted'
    }
  },
}
