import fc from 'fast-check'
import { cookiesOf } from '../exchange.js'
import { send, type Target } from '../harness.js'
import { begin, createWorld, type RelyingPartyWorld, response, signIn } from '../relyingPartyWorld.js'
import { type Change, type Piece, piece, rarely, seldom, spoil, textOf } from '../spoil.js'

interface Input {
  readonly url: string
  /** Changes to the whole header. */
  readonly header: readonly Change[]
  /** Changes to the name and value of one of the valid cookies. */
  readonly one: { readonly at: number; readonly name: readonly Change[]; readonly value: readonly Change[] } | undefined
  readonly more: readonly (readonly [name: Piece, value: Piece])[]
  readonly first: boolean
}

const NAMES = [
  'rp.',
  'rp.tx.@',
  'rp.device',
  'rp.logout',
  'connect.sid',
  '__Host-rp.',
  '__Host-rp.tx.@',
  '__Host-rp.device',
  '__Host-rp.logout',
  'rp.AAAAAAA',
  '__Host-rp.AAAAAAA',
  '\u00a0__Host-rp.AAAAAAA',
  '__proto__',
  'constructor',
  '',
]

const change = fc.record({
  at: fc.nat({ max: 7 }),
  name: rarely(changesOf(), []),
  value: seldom(changesOf(), []),
})

function changesOf(): fc.Arbitrary<readonly Change[]> {
  return fc.array(
    fc.record({ do: fc.constantFrom('insert' as const, 'overwrite' as const), at: fc.nat({ max: 1000 }), piece }),
    {
      minLength: 1,
      maxLength: 2,
    },
  )
}

function others(maxLength: number): fc.Arbitrary<Input['more']> {
  const pair = fc.tuple(fc.oneof(fc.constantFrom(...NAMES), piece), piece)
  return fc.array(pair, { minLength: 1, maxLength, size: 'max' })
}

/** The `Cookie` header, at every route that reads it. */
export const cookiesTarget: Target<Input> = {
  name: 'cookies',
  accepted: 0.1,
  input: fc.record({
    url: fc.constantFrom('/login', '/callback', '/device', '/profile', '/recent', '/me', '/token', '/logout', '/'),
    header: rarely(changesOf(), []),
    one: fc.oneof(fc.constant(undefined), change),
    more: seldom(fc.oneof({ weight: 4, arbitrary: others(4) }, { weight: 1, arbitrary: others(60) }), []),
    first: fc.boolean(),
  }),
  async prepare() {
    const world = createWorld()
    const device = await send(world, { url: '/device' })
    const begunBefore = await begin(world)
    let session = await signIn(world)
    return async (input) => {
      const { url } = input
      const login = url === '/callback' ? await begin(world) : begunBefore
      const valid = [session, login.cookie, cookiesOf(device)].flatMap((cookies) => cookies.split('; '))
      const answer = await send(world, {
        url: url === '/callback' ? `/callback?${new URLSearchParams(response(login)).toString()}` : url,
        headers: [['cookie', cookieHeader(valid, input)]],
        ...(url === '/logout' ? { method: 'POST' as const } : {}),
      })
      const mayHaveEnded = url === '/logout' || url === '/callback'
      if (mayHaveEnded && !(await isSignedIn(world, session))) session = await signIn(world)
      return answer.status < 400 ? 'accepted' : 'refused'
    }
  },
}

function cookieHeader(valid: readonly string[], { header, one, more, first }: Input): string {
  const sound = valid.map((pair, i) => {
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    return one?.at === i ? `${spoil(name, one.name)}=${spoil(value, one.value)}` : pair
  })
  const added = more.map(([name, value]) => `${textOf(name)}=${textOf(value)}`)
  return spoil((first ? [...added, ...sound] : [...sound, ...added]).join('; '), header)
}

async function isSignedIn(world: RelyingPartyWorld, cookie: string): Promise<boolean> {
  return (await send(world, { url: '/profile', headers: [['cookie', cookie]] })).status === 200
}
