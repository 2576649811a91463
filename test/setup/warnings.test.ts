import { MemoryStore, type Store } from 'express-session'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RelyingPartyOptions } from '../../src/index.js'
import type { App, AppOptions } from '../support/bed/app.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { MemoryAuthStore } from '../support/stores/memoryAuthStore.js'
import { StoreView } from '../support/stores/storeView.js'

/** A provider that is never contacted. */
const ISSUER = 'https://issuer.example'

let start: (store: Store, options?: Partial<RelyingPartyOptions>, routes?: AppOptions['routes']) => Promise<App>
let apps: App[]
let warnings: unknown[][]

beforeEach(async () => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((...args: unknown[]) => void warnings.push(args))
  apps = []
  // As in a new process, where no warning has been given yet.
  vi.resetModules()
  const { startApp } = await import('../support/bed/app.js')
  start = async (store, options = {}, routes = () => undefined) => {
    const app = await startApp(ISSUER, { store, options, routes })
    apps.push(app)
    return app
  }
})
afterEach(async () => {
  for (const app of apps) await app.close()
})

/** Makes some requests. */
async function use({ url }: App): Promise<void> {
  for (let i = 0; i < 3; i++) {
    expect((await new UserAgent().fetch(`${url}/who`)).json()).toEqual({ kind: 'anonymous', subject: null })
  }
}

describe('sessions in the memory of a process', () => {
  it.each([
    ['alone', {}],
    ['beside an AuthStore', { store: new MemoryAuthStore() }],
  ])('cause a warning in production, once per process: %s', async (_how, options) => {
    vi.stubEnv('NODE_ENV', 'production')
    for (let i = 0; i < 2; i++) await use(await start(new MemoryStore(), options))
    expect(warnings).toEqual([
      [
        expect.stringMatching(/in the memory of this process.*connect-redis or connect-pg-simple/),
        { type: 'ExpressRelyingPartyWarning', code: 'RP_MEMORY_STORE' },
      ],
    ])
  })

  it.each(['development', 'test', ''])('cause no warning if NODE_ENV is %j', async (environment) => {
    vi.stubEnv('NODE_ENV', environment)
    await use(await start(new MemoryStore()))
    expect(warnings).toEqual([])
  })

  it('are not confused with those in another store', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    await use(await start(new StoreView(new MemoryStore())))
    expect(warnings.flat()).not.toContainEqual(expect.objectContaining({ code: 'RP_MEMORY_STORE' }))
  })
})

describe('a session store that can fail, without storeErrors()', () => {
  it('causes one warning in production, with the line to add', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    for (let i = 0; i < 2; i++) await use(await start(new StoreView(new MemoryStore())))
    expect(warnings).toEqual([
      [
        expect.stringMatching(/answered with 500.*app\.use\(storeErrors\(\)\)/),
        { type: 'ExpressRelyingPartyWarning', code: 'RP_STORE_ERRORS_NOT_MOUNTED' },
      ],
    ])
  })

  it('causes no warning in development', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    await use(await start(new StoreView(new MemoryStore())))
    expect(warnings).toEqual([])
  })

  it('causes no warning if storeErrors() is mounted', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const { storeErrors } = await import('../../src/index.js')
    await use(await start(new StoreView(new MemoryStore()), {}, (app) => app.use(storeErrors())))
    expect(warnings).toEqual([])
  })
})

describe('a warning', () => {
  it('is a Node.js process warning with a type and code', async () => {
    vi.mocked(process.emitWarning).mockRestore()
    vi.stubEnv('NODE_ENV', 'production')
    const heard = new Promise<Error & { code?: string }>((resolve) => process.once('warning', resolve))
    await use(await start(new MemoryStore()))
    expect(await heard).toMatchObject({ name: 'ExpressRelyingPartyWarning', code: 'RP_MEMORY_STORE' })
  })
})

describe('a callback path without a handler', () => {
  it('causes a warning with the line that mounts callback() there', async () => {
    const provider = { issuer: ISSUER, clientId: 'app', clientSecret: 'secret' }
    const app = await start(new MemoryStore(), {
      callbackPath: '/in',
      providers: { one: provider, two: { ...provider, issuer: `${ISSUER}/two` } },
    })
    const browser = new UserAgent()
    const visit = (path: string) => browser.send(app.url + path)
    for (const other of ['/nothing?state=a', '/in/one']) expect((await visit(other)).status).toBe(404)
    expect(warnings).toEqual([])
    for (let i = 0; i < 2; i++) expect((await visit('/in/one?code=a&state=b')).status).toBe(404)
    expect(warnings).toEqual([
      [
        expect.stringMatching(/redirected a user to \/in\/one.*app\.all\('\/in\/:provider', callback\(\)\)/),
        { type: 'ExpressRelyingPartyWarning', code: 'RP_CALLBACK_NOT_MOUNTED' },
      ],
    ])
  })
})
