import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeWith } from '../support/run/requirements.js'
import { copyRepository } from './pack.js'
import { environment, run } from './run.js'

describe('npm run example', () => {
  let directory: string
  let repository: string
  beforeAll(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'express-relying-party-')))
    repository = await copyRepository(directory)
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it.each([
    ['client-credentials', [/^The job, which has no user, got from the API: .*"reports":\["Harvest","Tides"\]/]],
    ['api', [/reports:read: 200 /, /Without a token: 401 .*\n {2}Bearer\n/, /reports:write: 201 /]],
    ['mcp-server', [/Its tools: who_am_i, /, /publish_report: ada published/, /publish_report: refused: .*403/]],
  ])('builds what is missing, and prints the steps of %s to the end', async (name, steps) => {
    expect(await printed(name)).toMatch(inOrder(steps))
  })

  describeWith('redis', 'of cluster', () => {
    it('shows a refresh and a logout across two processes', async () => {
      const ends = /process 1 sees no one\n.*process 2 sees no one/
      expect(await printed('cluster')).toMatch(inOrder([/process 2 sees Ada/, /1 new token for 20 requests/, ends]))
    })
  })

  it('lists the examples if the name is none of them', async () => {
    const { status, stderr } = await run('npm', ['run', '--silent', 'example', 'no-such'], repository)
    expect(status).toBe(1)
    expect(stderr).toContain('client-credentials, cluster, device, device-cli, hybrid, implicit')
  })

  it.each([
    'implicit',
    'hybrid',
    'device',
    'device-cli',
    'password',
    'token-exchange',
    'third-party-login',
    'spa',
    'social',
    'users-postgres',
  ])('starts %s, prints one line with the URL to open, and stops when asked to', async (name) => {
    const line = await firstLine(name)
    expect(line).toMatch(/^Open http:\/\/\S+ .*Press Ctrl\+C to stop\.$/)
    const [url = ''] = /http:\S+/.exec(line) ?? []
    expect((await fetch(url)).status).toBe(200)
  })

  /** Runs an example to its end, and gives what it printed. */
  async function printed(name: string): Promise<string> {
    const { status, stdout, stderr } = await run('npm', ['run', '--silent', 'example', name], repository)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return stdout
  }

  /** Starts an example, gives what it prints first, and ends it after the test. */
  async function firstLine(name: string): Promise<string> {
    const child = spawn(process.execPath, ['scripts/example.js', name], {
      cwd: repository,
      env: environment(),
      // A group of its own, which is ended as Ctrl+C ends one.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const closed = once(child, 'close')
    let output = ''
    onTestFinished(async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT')
      await closed
      expect(output.trimEnd().split('\n')).toHaveLength(1)
    })
    return new Promise((resolve, reject) => {
      function read(chunk: Buffer): void {
        output += chunk.toString()
        const [line, rest] = output.split('\n', 2)
        if (line !== undefined && rest !== undefined) resolve(line)
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.once('close', () => reject(new Error(`${name} ended:\n${output}`)))
    })
  }
})

/** What matches all of some patterns, one after the other. */
function inOrder(patterns: readonly RegExp[]): RegExp {
  return new RegExp(patterns.map(({ source }) => source).join('[^]*'))
}
