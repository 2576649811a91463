import { describe, expect, it } from 'vitest'
import { notes } from '../../scripts/providerNotes.js'
import { providerPages } from '../../scripts/providerPages.js'
import * as providers from '../../src/providers.js'
import { oauth2Contracts } from './fixtures/oauth2.js'
import { openIdContracts } from './fixtures/openId.js'

const contracts = Object.entries({ ...openIdContracts, ...oauth2Contracts })
const pages = providerPages(providers)

describe('the pages about providers', () => {
  it('exist for every contract', () => {
    expect([...pages.keys()].sort()).toEqual(['README.md', ...contracts.map(([id]) => `${id}.md`)].sort())
  })

  it.each(contracts)('say of %s whether a logout leads there, and whether addresses are verified', (id, contract) => {
    const { logout = '', email = '' } = notes[id] ?? {}
    expect(logout.startsWith('It has none')).toBe(contract.logout === undefined)
    const isNever = email.startsWith('`email_verified` is always `false`')
    // Entra ID says so of some addresses.
    expect(isNever).toBe(contract.claims.email_verified === false && id !== 'microsoft')
    expect(pages.get(`${id}.md`)).toContain(logout)
  })

  it('list the options that only one preset has, with their comments', () => {
    expect(pages.get('keycloak.md')).toContain('| `realm` | Required. The name of the realm. |')
    expect(pages.get('google.md')).toContain('| `hostedDomain` | The Google Workspace domain')
    expect(pages.get('github.md')).toContain('| `baseUrl` | The URL of GitHub Enterprise Server')
    expect(pages.get('discord.md')).not.toContain('| Option of')
  })
})
