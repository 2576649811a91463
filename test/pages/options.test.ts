import { describe, expect, it } from 'vitest'
import type { PagesOptions } from '../../src/pages/options.js'
import { resolveConfig } from '../../src/setup/config.js'
import { pagesOf } from './support.js'

const variable = (value: string) => ({ variables: { '--rp-accent': value } })

describe('the options of the pages', () => {
  it('are options of relyingParty, with links to its own paths', () => {
    const provider = { issuer: 'https://op.example.com', clientId: 'app', clientSecret: 'secret' }
    const config = (pages?: PagesOptions) =>
      resolveConfig({
        baseUrl: 'https://app.example.com/shop',
        secret: 'QmFzZTY0IG9mIHRoaXJ0eS10d28gcmFuZG9tIGJ5dGVz',
        providers: { one: provider, two: { ...provider, clientId: 'two' } },
        ...(pages ? { pages } : {}),
      })
    expect(config().pages.links).toEqual({ start: '/shop/', login: '/shop/login', hasChoice: true })
    expect(config({ applicationName: 'Shop' }).pages.applicationName).toBe('Shop')
    expect(() => config({ name: 'Shop' } as PagesOptions)).toThrow(/relyingParty\.pages\.name is not an option/)
  })

  it.each<[string, PagesOptions, RegExp]>([
    ['an empty name', { applicationName: ' ' }, /applicationName must be/],
    ['a long name', { applicationName: 'a'.repeat(101) }, /applicationName must be/],
    ['an unknown variable', { variables: { '--rp-color': 'red' } }, /--rp-color is not a variable/],
    ['a foreign variable', { variables: { color: 'red' } as never }, /color is not a variable/],
    ['an unknown text', { texts: { de: { login: 'x' } as never } }, /texts\.de\.login is not a text/],
    ['an inherited name', { texts: { de: { toString: 'x' } as never } }, /toString is not a text/],
    ['an empty text', { texts: { de: { tryAgain: '' } } }, /tryAgain must be/],
    ['a long text', { texts: { de: { tryAgain: 'x'.repeat(1001) } } }, /tryAgain must be/],
    ['a missing placeholder', { texts: { de: { continueWith: 'Weiter' } } }, /continueWith has other placeholders/],
    ['another placeholder', { texts: { de: { tryAgain: '{provider}' } } }, /tryAgain has other placeholders/],
    ['no language', { texts: { 'de_CH!': {} } }, /de_CH! is not a language tag/],
    ['texts that are no object', { texts: { de: 'x' as never } }, /texts\.de must be an object/],
    ['a language without texts', { languages: ['sv'] }, /languages names a language without texts/],
    ['no language at all', { languages: [] }, /languages must be a list/],
    ['a template that is no function', { render: 'page.ejs' as never }, /render must be a function/],
  ])('refuse %s', (_what, options, message) => {
    expect(() => pagesOf(options)).toThrow(message)
  })

  it.each([
    '#0a7',
    'rgb(0 0 0 / 50%)',
    'light-dark(#fff, #000)',
    '"Söhne Mono", \'Fira (Sans)\', system-ui',
    'calc(1rem + 2px)',
    '-1px',
  ])('accept %s for a variable', (value) => {
    expect(pagesOf(variable(value)).style).toBe(`:root { --rp-accent: ${value} }\n`)
  })

  it.each([
    'red; } body { display: none',
    'red}',
    '</style><script>alert(1)</script>',
    '"open',
    "it's",
    'calc(1px',
    ')(',
    'red /* open',
    '\\22',
    'a\nb',
    'url(x)',
    'URL( //evil.example )',
    '@import',
    'red !important',
    '',
    'a'.repeat(201),
  ])('refuse %j for a variable, which could leave its declaration', (value) => {
    expect(() => pagesOf(variable(value))).toThrow(/variables\.--rp-accent/)
    expect(() => pagesOf(variable('red'))).not.toThrow()
  })

  it('replace single texts of a language, and of its regions', () => {
    const { texts } = pagesOf({
      texts: { 'de-AT': { startPage: 'Zur Startseite' }, de: { tryAgain: 'Nochmals' } },
    })
    expect(texts.get('de')).toMatchObject({ tryAgain: 'Nochmals', startPage: 'Zurück zur Startseite' })
    expect(texts.get('de-at')).toMatchObject({ tryAgain: 'Nochmals', startPage: 'Zur Startseite' })
    expect(texts.get('en')?.tryAgain).toBe('Try again')
  })

  it('add languages, whose missing texts are English', () => {
    const { texts } = pagesOf({ texts: { sv: { tryAgain: 'Försök igen' } } })
    expect(texts.get('sv')).toMatchObject({ tryAgain: 'Försök igen', lastUsed: 'Last used' })
  })

  it('limit the languages, the default first', () => {
    expect([...pagesOf({ languages: ['PL', 'en'] }).texts.keys()]).toEqual(['pl', 'en'])
  })
})
