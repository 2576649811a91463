import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { UserAgent } from '../support/bed/userAgent.js'
import { copyRepository } from './pack.js'
import { environment } from './run.js'

it('npm start builds, starts application and provider, and prints the one URL that leads to the sign-in page', async () => {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'express-relying-party-')))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const child = spawn('npm', ['start'], {
    cwd: await copyRepository(directory),
    env: environment(),
    // A group of its own: npm does not end what it started.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  onTestFinished(async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await closed
  })

  let output = ''
  const printed = new Promise<string[]>((resolve, reject) => {
    function read(chunk: Buffer): void {
      output += chunk.toString()
      if (/Open .* in your browser/.test(output)) resolve(output.match(/\bhttps?:\/\/[^\s]+/g) ?? [])
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('close', () => reject(new Error(`npm start ended:\n${output}`)))
  })
  const urls = await printed
  expect(urls).toHaveLength(1)
  const [url = ''] = urls

  const browser = new UserAgent()
  expect((await browser.visit(url)).status).toBe(200)
  const page = await browser.visit(`${url}/login`)
  expect(page.status).toBe(200)
  expect(new URL(page.url).origin).not.toBe(new URL(url).origin)
  expect(page.text).toContain('Ada')
})
