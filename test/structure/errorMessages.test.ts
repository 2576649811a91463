import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, RelyingPartyError } from '../../src/errors.js'
import { developerTermsIn, type ErrorSite, errorSites } from './errorMessages.js'

const src = new URL('../../src/', import.meta.url)

function sitesOfTheLibrary(): ErrorSite[] {
  const paths = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  return paths.flatMap((path) => errorSites(path.replaceAll('\\', '/'), readFileSync(new URL(path, src), 'utf8')))
}

/** Checks whether users may see an error. A code or status that is only known at run time counts as visible. */
function isVisible({ code, status }: ErrorSite): boolean {
  return (status ?? (code === undefined ? 400 : new RelyingPartyError(code as ErrorCode, '').status)) < 500
}

/** Returns the terms for operators in messages that users may see: they belong in the hint. */
function misplaced(sites: readonly ErrorSite[]): string[] {
  return sites.filter(isVisible).flatMap(({ at, texts }) => {
    const terms = texts.flatMap(developerTermsIn)
    return terms.length === 0 ? [] : [`${at} names ${terms.join(', ')}`]
  })
}

describe('the message of an error that users may see', () => {
  it('names no option, function or code: these are in the hint', () => {
    const sites = sitesOfTheLibrary()
    expect(sites.filter(isVisible).length).toBeGreaterThan(40)
    expect(misplaced(sites)).toEqual([])
  })

  const site = (args: string) => errorSites('a.ts', `const AGAIN = 'set app.set'\nthrow new RelyingPartyError(${args})`)

  it.each([
    "'ERR_TRANSACTION_MISSING', 'was relyingParty.secret changed?'",
    "'ERR_TRANSACTION_MISSING', 'the login timed out; ' + 'see `cause`'",
    "'ERR_TRANSACTION_MISSING', `callback() takes GET $" + '{and} POST`',
    "'ERR_TRANSACTION_MISSING', isSlow ? 'start again' : 'set clockTolerance'",
    "'ERR_TRANSACTION_MISSING', AGAIN, { status: 405 }",
    "code, 'pass session({ cookie })'",
    "'ERR_CONFIGURATION', 'set baseUrl', { status: 400 }",
  ])('is found if it does: %s', (args) => {
    expect(misplaced(site(args))).toHaveLength(1)
  })

  it.each([
    "'ERR_TRANSACTION_MISSING', `the UserInfo endpoint refused the token ($" + '{error.status}): start again.`',
    "'ERR_TRANSACTION_MISSING', 'sign in again', { hint: 'was relyingParty.secret changed?' }",
    "'ERR_CONFIGURATION', 'app.use(session()) is missing'",
    "'ERR_TRANSACTION_MISSING', 'set baseUrl', { status: 500 }",
  ])('is accepted if it does not, or users do not see it: %s', (args) => {
    expect(site(args)).toHaveLength(1)
    expect(misplaced(site(args))).toEqual([])
  })
})
