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
    'lib/seal.ts': "import '../errors.js'; import http from 'node:http'",
    'jwt/keys.ts': "import { type JWK } from 'jose'; import { E } from '../errors.js'; import '../lib/seal.js'",
    'provider/metadata.ts': "import type { F } from '../lib/seal.js'; import '../jwt/keys.js'",
    'protocol/idToken.ts': "import { keys } from '../jwt/keys.js'; import '../provider/metadata.js'",
    'records/record.ts': "import type { Store } from 'express-session'; import '../lib/seal.js'",
    'setup/config.ts': "import '../provider/metadata.js'",
    'session/mark.ts': "import type { Request } from 'express'; import '../records/record.js'",
    'login/login.ts': "import '../protocol/idToken.js'; import '../session/mark.js'; import '../setup/config.js'",
    'device/deviceLogin.ts': "import '../login/login.js'",
    'logout/logout.ts': "import '../session/mark.js'",
    'guards/guard.ts': "import type { Request } from 'express'",
    'api/token/claims.ts': "import '../../jwt/keys.js'",
    'api/resourceServer.ts': "import './token/claims.js'; import '../guards/guard.js'",
    'index.ts': "export { login } from './login/login.js'",
  }

  it('accepts a valid tree', () => {
    expect(violations(new Map(Object.entries(sound)), declared)).toEqual([])
  })

  const spoiled: [rule: string, path: string, text: string, complaint: string][] = [
    ['protocol importing Express', 'protocol/a.ts', "import express from 'express'", 'must not know Express'],
    ['protocol importing a type of Express', 'protocol/a.ts', "import type { Request } from 'express'", 'Express'],
    ['an inline type import', 'protocol/a.ts', "type R = import('express').Request", 'must not know Express'],
    ['the types package', 'provider/a.ts', "import type { Request } from '@types/express'", 'Express'],
    ['the core of the types', 'provider/a.ts', "import type { Q } from 'express-serve-static-core'", 'Express'],
    ['the global namespace', 'protocol/a.ts', 'let request: Express.Request', 'must not know Express'],
    ['extending the global namespace', 'records/a.ts', 'declare global { namespace Express {} }', 'Express'],
    ['a types reference', 'protocol/a.ts', '/// <reference types="express" />', 'must not know Express'],
    ['a dynamic import', 'protocol/a.ts', "await import('express')", 'must not know Express'],
    ['require', 'protocol/a.ts', "require('express')", 'must not know Express'],
    ['import equals', 'protocol/a.ts', "import express = require('express')", 'must not know Express'],
    ['a module augmentation', 'records/a.ts', "declare module 'express' {}", 'must not know Express'],
    ['a re-export', 'provider/a.ts', "export type { Request } from 'express'", 'must not know Express'],
    ['protocol knowing express-session', 'protocol/a.ts', "import 'express-session'", 'express-session'],
    ['protocol knowing records', 'protocol/a.ts', "import '../records/record.js'", 'must not import from records'],
    ['protocol knowing their types', 'protocol/a.ts', "import type { R } from '../records/record.js'", 'from records'],
    ['protocol knowing a feature', 'protocol/a.ts', "import '../login/login.js'", 'must not import from login'],
    ['provider knowing records', 'provider/a.ts', "import '../records/record.js'", 'must not import from records'],
    ['provider knowing the protocol', 'provider/a.ts', "import '../protocol/idToken.js'", 'from protocol'],
    ['records knowing Express', 'records/a.ts', "import type { Response } from 'express'", 'must not know Express'],
    ['records knowing the protocol', 'records/a.ts', "import '../protocol/idToken.js'", 'from protocol'],
    ['records knowing providers', 'records/a.ts', "import '../provider/metadata.js'", 'from provider'],
    ['records knowing sessions', 'records/a.ts', "import '../session/mark.js'", 'from session'],
    ['the API knowing the protocol', 'api/a.ts', "import '../protocol/idToken.js'", 'must not import from protocol'],
    ['the API knowing providers', 'api/a.ts', "import type { M } from '../provider/metadata.js'", 'from provider'],
    ['the token checks knowing Express', 'api/token/a.ts', "import 'express'", 'api/token must not know Express'],
    ['the token checks knowing guards', 'api/token/a.ts', "import '../../guards/guard.js'", 'from guards'],
    ['a feature knowing another', 'logout/a.ts', "import '../login/login.js'", 'must not import from login'],
    ['login knowing device', 'login/a.ts', "import '../device/deviceLogin.js'", 'must not import from device'],
    ['sessions knowing a feature', 'session/a.ts', "import '../logout/logout.js'", 'must not import from logout'],
    ['setup knowing sessions', 'setup/a.ts', "import '../session/mark.js'", 'must not import from session'],
    ['lib knowing keys', 'lib/a.ts', "import '../jwt/keys.js'", 'must not import from jwt'],
    ['errors knowing anything', 'errors.ts', "import './lib/seal.js'", 'must not import from lib'],
    ['anyone importing the entry', 'login/a.ts', "import '../index.js'", 'must not import from index'],
    ['a folder without a rule', 'misc/a.ts', '', 'no import rule covers misc'],
    ['a missing file', 'protocol/a.ts', "import './b.js'", 'not in src'],
    ['a file outside', 'protocol/a.ts', "import '../../package.json'", 'not in src'],
    ['an import without a literal specifier', 'protocol/a.ts', 'await import(name)', 'not a string literal'],
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
