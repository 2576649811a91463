import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Text that belongs to one machine or network. A letter in brackets keeps a pattern from matching itself. */
const forbidden: [what: string, pattern: RegExp][] = [
  ['a path of one machine', /(?<![\w.*])\/(?:roo[t]|home\/[\w-]+|Users\/[\w-]+)\/\S*/],
  ['a package registry', /(?:registry\.(?:npmj[s]|yarnpk[g])|npmmirro[r])\S*/],
  ['a package registry', /^\s*(?:@[\w-]+:)?registr[y]\s*=.*/],
]

function findings(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    forbidden.flatMap(([what, pattern]) => {
      const match = pattern.exec(line)
      return match === null ? [] : [`${path}:${index + 1}: ${what}: ${match[0].trim()}`]
    }),
  )
}

/** Returns the repository's text files, including those not yet committed. */
function textFiles(): Map<string, string> {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  const files = new Map<string, string>()
  for (const path of listed.split('\0')) {
    if (path === '' || !existsSync(join(root, path))) continue
    const bytes = readFileSync(join(root, path))
    if (!bytes.includes(0)) files.set(path, bytes.toString('utf8'))
  }
  return files
}

describe('the repository', () => {
  it('contains no path of one machine and no package registry', ({ skip }) => {
    skip(!existsSync(join(root, '.git')), 'not a git checkout')
    const files = textFiles()
    expect(files.has('package.json')).toBe(true)
    expect([...files].flatMap(([path, text]) => findings(path, text))).toEqual([])
  })

  it.each([
    ['see /', 'root/notes.md'],
    ["'/", "root/app'"],
    ['file:///', 'home/ann/app'],
    ['/', 'Users/ann/app'],
    ['https://registry.', 'npmjs.org/express'],
    ['@corp:', 'registry=https://npm.corp.example'],
  ])('would find %s%s', (...parts) => {
    expect(findings('file', parts.join(''))).toHaveLength(1)
  })

  it.each(['https://rp.example/root/1', 'the home/ folder', '/home', '/usr/bin/chromium', 'a registry = of names'])(
    'allows %s',
    (line) => {
      expect(findings('file', line)).toEqual([])
    },
  )

  it('locks dependencies by their digest alone, so that any registry can serve them', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { resolved?: string; integrity?: string }>
    }
    const { '': project, ...packages } = lock.packages
    expect(project).toBeDefined()
    expect(Object.keys(packages).length).toBeGreaterThan(100)
    expect(Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined)).toEqual([])
    expect(Object.keys(packages).filter((path) => packages[path]?.integrity === undefined)).toEqual([])
  })
})
