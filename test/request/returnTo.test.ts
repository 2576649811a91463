import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safeReturnTo } from '../../src/request/returnTo.js'

const ORIGIN = 'https://app.example.com'

describe('safeReturnTo', () => {
  it.each([
    ['/', '/'],
    ['/profile', '/profile'],
    ['/profile?tab=1&next=https://elsewhere.example/#top', '/profile?tab=1&next=https://elsewhere.example/#top'],
    ['/a/../b', '/b'],
    ['/caf\u00e9', '/caf%C3%A9'],
    ['/a//b', '/a//b'],
    ['/user:pass@evil.example', '/user:pass@evil.example'],
    [`${ORIGIN}/profile?tab=1`, '/profile?tab=1'],
    [ORIGIN, '/'],
  ])('accepts %j as %j', (value, expected) => {
    expect(safeReturnTo(value, ORIGIN)).toBe(expected)
  })

  it.each([
    '',
    'profile',
    '?tab=1',
    'https://evil.example/',
    'https:evil.example',
    'HTTPS://app.example.com.evil.example/',
    `${ORIGIN}.evil.example/`,
    `${ORIGIN}@evil.example/`,
    `${ORIGIN}:444/`,
    'https://me@app.example.com/',
    'http://app.example.com/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\/evil.example',
    '\\\\evil.example',
    '/a\\..\\evil',
    '/%2fevil.example',
    '/%2Fevil.example',
    '/%5cevil.example',
    '/%5Cevil.example',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    '/a/%2e%2e//evil.example',
    '/..//evil.example',
    '/a/../%2fevil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/\r/evil.example',
    '/\0/evil.example',
    '/a\r\nSet-Cookie: a=b',
    ' /profile',
    '\u00a0//evil.example',
    '\ufeff//evil.example',
    '\u2028//evil.example',
    '\u0085/evil.example',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)//',
    'java\tscript:alert(1)',
    '/\tjavascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:msgbox(1)',
    'blob:https://app.example.com/a',
    'view-source:https://app.example.com/',
    '\uff0f\uff0fevil.example',
    '\u2215\u2215evil.example',
    '\u3002/evil.example',
    `/${'a'.repeat(2048)}`,
    undefined,
    null,
    1,
    ['/profile'],
    { toString: () => '/profile' },
  ])('refuses %j', (value) => {
    expect(safeReturnTo(value, ORIGIN)).toBeUndefined()
  })

  it('keeps look-alikes of a slash inside the path', () => {
    for (const slash of ['\uff0f', '\u2215', '\u2044', '\u29f8', '\uff3c']) {
      const result = safeReturnTo(`/${slash}evil.example`, ORIGIN)
      expect(result).toBe(`/${encodeURIComponent(slash)}evil.example`)
    }
  })

  it('limits the length of the result, even if encoding makes it longer', () => {
    expect(safeReturnTo(`/${'a'.repeat(2047)}`, ORIGIN)).toHaveLength(2048)
    expect(safeReturnTo(`/${'\u20ac'.repeat(1000)}`, ORIGIN)).toBeUndefined()
  })

  const hostile = fc.constantFrom(
    ...[
      '/',
      '\\',
      '//',
      '%2f',
      '%5C',
      '..',
      '.',
      '%2e',
      '@',
      ':',
      '?',
      '#',
      '\t',
      '\r\n',
      '\0',
      ' ',
      '\uff0f',
      '\u2028',
    ],
    ...['javascript:', 'data:', 'https:', ORIGIN, 'evil.example', 'app.example.com', 'a', '%', '%00', ';', '&', '='],
  )
  const values = fc.oneof(
    fc.array(hostile, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.array(hostile, { maxLength: 12 }).map((parts) => `/${parts.join('')}`),
    fc.string({ unit: 'binary' }),
    fc.string().map((text) => `/${text}`),
    fc.webUrl(),
  )

  it.each([ORIGIN, 'http://localhost:3000', 'http://[::1]:3000'])(
    'never leads away from %s, however it is resolved, and accepts its own results unchanged',
    (origin) => {
      fc.assert(
        fc.property(values, (value) => {
          const result = safeReturnTo(value, origin)
          if (result === undefined) return
          expect(result).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/)
          expect(result.length).toBeLessThanOrEqual(2048)
          for (const location of [result, origin + result, decodePath(result)]) {
            expect(new URL(location, origin).origin).toBe(origin)
          }
          expect(safeReturnTo(result, origin)).toBe(result)
        }),
        { numRuns: 3000 },
      )
    },
  )
})

/** Decodes the slashes of a path, as a server in front or a later redirect may do. */
function decodePath(path: string): string {
  return path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\')
}
