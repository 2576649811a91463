import { describe, expect, it, onTestFinished } from 'vitest'
import * as deviceCli from '../../examples/device-cli/app.js'
import * as password from '../../examples/password/app.js'
import { addTokenExchange } from '../../examples/provider/token-exchange.js'
import { createReportsApi } from '../../examples/shared/reports-api.js'
import { type Example, startBeside, startExample } from '../../examples/shared/start.js'
import * as thirdParty from '../../examples/third-party-login/app.js'
import * as tokenExchange from '../../examples/token-exchange/app.js'
import * as usersPostgres from '../../examples/users-postgres/app.js'
import { openDatabase, openUsers } from '../../examples/users-postgres/users.js'
import { answerDevice } from '../support/bed/device.js'
import { UserAgent } from '../support/bed/userAgent.js'
import { describeWith, postgresUrl } from '../support/run/requirements.js'

async function start(example: Example) {
  const running = await startExample({
    ...example,
    providerOptions: { autoSignIn: 'ada', ...example.providerOptions },
  })
  onTestFinished(() => running.close())
  return running
}

describe('the examples', () => {
  it('token-exchange: the API accepts only the exchanged token, which has only the requested scope', async () => {
    const { baseUrl } = await start({ ...tokenExchange, prepareProvider: addTokenExchange })
    const page = await new UserAgent().visit(`${baseUrl}/reports`)
    expect(page.text).toContain('401: it was not issued for this API')
    expect(page.text).toMatch(/200: .*Harvest.*&quot;scope&quot;:&quot;reports:read&quot;/)
  })

  it('third-party-login: the portal’s links lead to the book, to the library’s home page, and to an error', async () => {
    const { baseUrl, provider } = await start(thirdParty)
    const portal = await startBeside(thirdParty.createPortal({ libraryUrl: baseUrl, issuer: provider.issuer }))
    const { text } = await new UserAgent().visit(portal)
    const links = [...text.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'))
    const [book, elsewhere, unknown] = await Promise.all(links.map((link) => new UserAgent().visit(link)))
    expect(book).toMatchObject({ url: `${baseUrl}/books/7`, text: expect.stringContaining('Grace Hopper') })
    expect(elsewhere).toMatchObject({ url: `${baseUrl}/`, status: 200 })
    expect(unknown).toMatchObject({ status: 400, text: expect.stringContaining('ERR_UNKNOWN_PROVIDER') })
  })

  it('password: the form signs in with the right password only', async () => {
    const { baseUrl } = await start(password)
    const send = (body: Record<string, string>) =>
      new UserAgent().visit(`${baseUrl}/password-login`, { method: 'POST', body, from: baseUrl })
    expect(await send(password.user)).toMatchObject({ status: 200, text: expect.stringContaining('Hello, Ada') })
    expect(await send({ ...password.user, password: 'wrong' })).toMatchObject({ status: 401 })
  })

  it('device-cli: the tool reads the reports once its code is approved', async () => {
    const createApp: Example['createApp'] = ({ baseUrl, issuer }) => createReportsApi({ issuer, audience: baseUrl })
    const { baseUrl, provider } = await start({ ...deviceCli, createApp })
    const said: string[] = []
    const say = (line: string) => {
      said.push(line)
      const [uri] = /http:\S+/.exec(line) ?? []
      if (uri) return answerDevice({ verification_uri_complete: uri })
    }
    await deviceCli.runTool({ issuer: provider.issuer, apiUrl: baseUrl, say })
    expect(said).toEqual([expect.stringContaining('Open http'), 'Signed in as Ada Lovelace. Reports: Harvest, Tides'])
  })
})

describe('the example users-postgres', () => {
  it('welcomes a user once, and recognizes them afterwards', async () => {
    const { baseUrl } = await start(usersPostgres)
    const first = await new UserAgent().visit(`${baseUrl}/profile`)
    expect(first).toMatchObject({ url: `${baseUrl}/welcome`, text: expect.stringContaining('new member') })
    const browser = new UserAgent()
    const again = await browser.visit(`${baseUrl}/profile`)
    expect(again).toMatchObject({ url: `${baseUrl}/profile`, text: expect.stringContaining('<dd>1</dd>') })
  })

  const promises = (url: string | undefined) => async () => {
    const database = await openDatabase(url)
    onTestFinished(async () => {
      await database.query('drop table if exists example_users')
    })
    const users = await openUsers(database)
    const claims = { iss: 'https://op.example', sub: '7', email: 'ada@example.com' }
    const logins = await Promise.all(Array.from({ length: 8 }, () => users.findOrCreate(claims)))
    expect(new Set(logins.map(({ id }) => id)).size).toBe(1)
    expect(logins.filter(({ logins: count }) => count === 1)).toHaveLength(1)
    const sameAddress = await users.findOrCreate({ ...claims, sub: '8' })
    const sameSubject = await users.findOrCreate({ ...claims, iss: 'https://other.example' })
    expect(new Set([logins[0]?.id, sameAddress.id, sameSubject.id]).size).toBe(3)
  }
  const rule = 'makes one user per issuer and subject, however many logins there are at once, whatever the address'

  it(rule, promises(undefined))
  describeWith('postgres', 'on PostgreSQL', () => {
    it(rule, promises(postgresUrl))
  })
})
