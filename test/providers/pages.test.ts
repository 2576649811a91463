import { describe, expect, it } from 'vitest'
import { moreNotes } from '../../scripts/moreProviderNotes.js'
import { notes } from '../../scripts/providerNotes.js'
import { providerPages } from '../../scripts/providerPages.js'
import * as providers from '../../src/providers.js'
import { moreContracts } from './fixtures/more.js'
import { oauth2Contracts } from './fixtures/oauth2.js'
import { openIdContracts } from './fixtures/openId.js'

const contracts = Object.entries({ ...openIdContracts, ...oauth2Contracts })
const more = Object.entries(moreContracts())
const pages = providerPages(providers)

describe('the pages about providers', () => {
  it('exist for every contract', () => {
    expect([...pages.keys()].sort()).toEqual(['README.md', ...[...contracts, ...more].map(([id]) => `${id}.md`)].sort())
  })

  it.each(contracts)('say of %s whether a logout leads there, and whether addresses are verified', (id, contract) => {
    const { logout = '', email = '' } = notes[id] ?? {}
    expect(logout.startsWith('It has none')).toBe(contract.logout === undefined)
    const isNever = email.startsWith('`email_verified` is always `false`')
    // Entra ID says so of some addresses.
    expect(isNever).toBe(contract.claims.email_verified === false && id !== 'microsoft')
    expect(pages.get(`${id}.md`)).toContain(logout)
  })

  it.each(more)(
    'say of %s whether addresses are verified, what a logout does, and how sure its facts are',
    (id, { claims, options }) => {
      expect(pages.get(`${id}.md`)?.includes('| Logout | It has none')).toBe(options.protocol === 'oauth2')
      const { email, confidence } = moreNotes[id] ?? expect.fail('there are no notes')
      expect(email === 'none').toBe(claims.email === undefined)
      if (email !== 'none') expect(email === 'claim').toBe(claims.email_verified === true)
      expect(pages.get(`${id}.md`)?.includes('one source, or an old one')).toBe(confidence === 'low')
      expect(pages.get('README.md')?.includes(`(${id}.md) (*)`)).toBe(confidence === 'low')
    },
  )

  it('list the options that only one preset has, with their comments', () => {
    expect(pages.get('keycloak.md')).toContain('| `realm` | Required. The name of the realm. |')
    expect(pages.get('google.md')).toContain('| `hostedDomain` | The Google Workspace domain')
    expect(pages.get('github.md')).toContain('| `baseUrl` | The URL of GitHub Enterprise Server')
    expect(pages.get('discord.md')).not.toContain('| Option of')
  })
})
