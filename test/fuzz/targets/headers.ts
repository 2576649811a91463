import fc from 'fast-check'
import { RelyingPartyError } from '../../../src/index.js'
import { send, type Target } from '../harness.js'
import { createWorld, ORIGIN, signIn } from '../relyingPartyWorld.js'
import { type Change, changes, type Piece, piece, rarely, seldom, spoil, textOf } from '../spoil.js'

interface Input {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly signedIn: boolean
  /** Changes to the value that a browser sends. */
  readonly usual: readonly (readonly [name: string, changes: readonly Change[]])[]
  readonly more: readonly (readonly [name: string, value: Piece])[]
}

/** What a browser sends at a navigation. */
const USUAL: Readonly<Record<string, string>> = {
  accept: 'text/html,application/xhtml+xml',
  origin: ORIGIN,
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}

const NAMES = [
  ...Object.keys(USUAL),
  ...[
    'authorization',
    'content-type',
    'content-length',
    'dpop',
    'host',
    'if-none-match',
    'purpose',
    'range',
    'referer',
  ],
  ...['sec-purpose', 'x-forwarded-host', 'x-forwarded-proto', 'x-http-method-override', 'x-moz', 'x-requested-with'],
]

/** Request headers beside cookies and credentials, at every route. */
export const headersTarget: Target<Input> = {
  name: 'headers',
  accepted: 0.1,
  input: fc.record({
    method: seldom(fc.constant('POST' as const), 'GET' as const),
    url: fc.constantFrom(
      '/login',
      '/profile',
      '/recent',
      '/me',
      '/token',
      '/logout',
      '/',
      '/callback',
      '/frontchannel',
    ),
    signedIn: fc.boolean(),
    usual: rarely(
      fc.array(fc.tuple(fc.constantFrom(...Object.keys(USUAL)), changes), { minLength: 1, maxLength: 3 }),
      [],
    ),
    more: seldom(fc.array(fc.tuple(fc.constantFrom(...NAMES), piece), { minLength: 1, maxLength: 4 }), []),
  }),
  async prepare() {
    const world = createWorld()
    let session = await signIn(world)
    return async ({ method, url, signedIn, usual, more }) => {
      const sent = Object.entries(USUAL).map(([name, value]) => {
        const made = usual.filter(([of]) => of === name)
        return [name, made.reduce((text, [, changes]) => spoil(text, changes), value)] as const
      })
      const added = more.map(([name, value]) => [name, textOf(value)] as const)
      const cookies = signedIn ? [['cookie', session] as const] : []
      const { status } = await send(world, { method, url, headers: [...sent, ...added, ...cookies] }, [503])
      const [error] = world.errors
      if (status === 503 && !isNoNavigation(error)) throw new Error('the answer is 503', { cause: error })
      if (url === '/logout' && signedIn) session = await signIn(world)
      return status < 400 ? 'accepted' : 'refused'
    }
  },
}

/** What is no navigation is to come again as one: nothing has begun or ended. */
function isNoNavigation(error: unknown): boolean {
  return error instanceof RelyingPartyError && error.code === 'ERR_NOT_NAVIGATED'
}
