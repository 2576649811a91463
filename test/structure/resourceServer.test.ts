import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

/** Follows the imports that remain without types, and returns the packages they reach. */
function packagesOf(entry: string): string[] {
  const packages = new Set<string>()
  const seen = new Set<string>()
  const pending = [new URL(`../../src/${entry}`, import.meta.url)]
  for (let at = pending.pop(); at; at = pending.pop()) {
    if (seen.has(at.href)) continue
    seen.add(at.href)
    const { outputText } = ts.transpileModule(readFileSync(at, 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true },
    })
    for (const { fileName } of ts.preProcessFile(outputText).importedFiles) {
      if (fileName.startsWith('.')) pending.push(new URL(fileName.replace(/\.js$/, '.ts'), at))
      else packages.add(fileName)
    }
  }
  return [...packages]
}

describe('express-relying-party/resource-server', () => {
  it('does not load openid-client, and loads only parts of jose', () => {
    const packages = packagesOf('resource-server.ts')
    expect(packages).not.toContain('openid-client')
    expect(packages).not.toContain('jose')
    expect(packages).toContain('jose/jws/compact/verify')
    expect(packagesOf('index.ts')).toContain('openid-client')
  })
})
