import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Sources, violations } from './importRules.js'

const root = new URL('../../', import.meta.url)

function sourcesOfTheLibrary(): Sources {
  const src = new URL('src/', root)
  const paths = readdirSync(src, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'))
  return new Map(
    paths.filter((path) => path.endsWith('.ts')).map((path) => [path, readFileSync(new URL(path, src), 'utf8')]),
  )
}

function declaredPackages(): string[] {
  const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    dependencies: Record<string, string>
    peerDependencies: Record<string, string>
  }
  return [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]
}

describe('the import rule', () => {
  it('holds in src', () => {
    const sources = sourcesOfTheLibrary()
    expect(sources.size).toBeGreaterThan(3)
    expect(violations(sources, declaredPackages())).toEqual([])
  })

  const declared = ['express', 'express-session', 'jose']
  const sound: Record<string, string> = {
    'errors.ts': '',
    'crypto/seal.ts': "import '../errors.js'",
    'http/fetch.ts': "import http from 'node:http'; import { E } from '../errors.js'",
    'config/resolve.ts': "import type { F } from '../http/fetch.js'",
    'provider/keys.ts': "import { type JWK } from 'jose'; import '../config/resolve.js'",
    'protocol/idToken.ts': "import { keys } from '../provider/keys.js'",
    'session/record.ts': "import type { Store } from 'express-session'; import '../crypto/seal.js'",
    'middleware/login.ts':
      "import type { Request } from 'express'; import '../protocol/idToken.js'; import '../session/record.js'",
    'index.ts': "export { login } from './middleware/login.js'",
  }

  it('finds nothing in a sound tree', () => {
    expect(violations(new Map(Object.entries(sound)), declared)).toEqual([])
  })

  const spoiled: [rule: string, path: string, text: string, complaint: string][] = [
    ['protocol importing Express', 'protocol/a.ts', "import express from 'express'", 'must not know Express'],
    ['protocol importing a type of Express', 'protocol/a.ts', "import type { Request } from 'express'", 'Express'],
    ['an inline type import', 'protocol/a.ts', "type R = import('express').Request", 'must not know Express'],
    ['the types package', 'provider/a.ts', "import type { Request } from '@types/express'", 'Express'],
    ['the core of the types', 'provider/a.ts', "import type { Q } from 'express-serve-static-core'", 'Express'],
    ['the global namespace', 'protocol/a.ts', 'let request: Express.Request', 'must not know Express'],
    ['extending the global namespace', 'session/a.ts', 'declare global { namespace Express {} }', 'Express'],
    ['a types reference', 'protocol/a.ts', '/// <reference types="express" />', 'must not know Express'],
    ['a dynamic import', 'protocol/a.ts', "await import('express')", 'must not know Express'],
    ['require', 'protocol/a.ts', "require('express')", 'must not know Express'],
    ['import equals', 'protocol/a.ts', "import express = require('express')", 'must not know Express'],
    ['a module augmentation', 'session/a.ts', "declare module 'express' {}", 'must not know Express'],
    ['a re-export', 'provider/a.ts', "export type { Request } from 'express'", 'must not know Express'],
    ['protocol knowing sessions', 'protocol/a.ts', "import '../session/record.js'", 'must not import from session'],
    ['protocol knowing its types', 'protocol/a.ts', "import type { R } from '../session/record.js'", 'from session'],
    ['protocol knowing express-session', 'protocol/a.ts', "import 'express-session'", 'express-session'],
    ['protocol knowing the middleware', 'protocol/a.ts', "import '../middleware/login.js'", 'from middleware'],
    ['provider knowing sessions', 'provider/a.ts', "import '../session/record.js'", 'must not import from session'],
    ['provider knowing the middleware', 'provider/a.ts', "import '../middleware/login.js'", 'from middleware'],
    ['provider knowing the protocol', 'provider/a.ts', "import '../protocol/idToken.js'", 'from protocol'],
    ['sessions knowing Express', 'session/a.ts', "import type { Response } from 'express'", 'must not know Express'],
    ['sessions knowing the protocol', 'session/a.ts', "import '../protocol/idToken.js'", 'from protocol'],
    ['sessions knowing providers', 'session/a.ts', "import type { K } from '../provider/keys.js'", 'from provider'],
    ['sessions knowing the middleware', 'session/a.ts', "import '../middleware/login.js'", 'from middleware'],
    ['config knowing Express', 'config/a.ts', "import type { Request } from 'express'", 'must not know Express'],
    ['crypto knowing config', 'crypto/a.ts', "import '../config/resolve.js'", 'must not import from config'],
    ['http knowing providers', 'http/a.ts', "import '../provider/keys.js'", 'must not import from provider'],
    ['errors knowing anything', 'errors.ts', "import './crypto/seal.js'", 'must not import from crypto'],
    ['anyone importing the entry', 'middleware/a.ts', "import '../index.js'", 'must not import from index'],
    ['a folder without a rule', 'misc/a.ts', '', 'no import rule covers misc'],
    ['a missing file', 'protocol/a.ts', "import './b.js'", 'not in src'],
    ['a file outside', 'protocol/a.ts', "import '../../package.json'", 'not in src'],
    ['an import that can not be followed', 'protocol/a.ts', 'await import(name)', 'not a string literal'],
    ['an undeclared package', 'provider/a.ts', "import 'undici'", 'declares no dependency on undici'],
    ['a cycle', 'protocol/idToken.ts', "import './idToken.js'", 'import cycle: protocol/idToken.ts ->'],
  ]

  it.each(spoiled)('catches %s', (_rule, path, text, complaint) => {
    const found = violations(new Map(Object.entries({ ...sound, [path]: text })), declared)
    expect(found.join('\n')).toContain(complaint)
  })

  it('catches a cycle over several modules, types included', () => {
    const sources = new Map([
      ['protocol/a.ts', "import { b } from './b.js'"],
      ['protocol/b.ts', "import { c } from './c.js'"],
      ['protocol/c.ts', "import type { A } from './a.js'"],
    ])
    expect(violations(sources, declared)).toEqual([
      'import cycle: protocol/a.ts -> protocol/b.ts -> protocol/c.ts -> protocol/a.ts',
    ])
  })
})
