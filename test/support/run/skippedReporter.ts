/** Prints what a run skipped and why. With `REQUIRE_ALL=1`, a skipped test fails the run. */
import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node'

export default class SkippedReporter implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // With `-t`, tests that do not match count as skipped too: report only those with a reason.
    const filtered = this.#vitest?.config.testNamePattern !== undefined
    const counts = new Map<string, number>()
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        // A test that did not run because of a failed hook counts as skipped too, but keeps its mode.
        if (test.result().state !== 'skipped' || test.options.mode === 'run') continue
        const reason = reasonOf(test) ?? (filtered ? undefined : `${module.relativeModuleId}: ${test.fullName}`)
        if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1)
      }
    }
    for (const [reason, count] of counts) {
      process.stdout.write(`skipped: ${reason}${count > 1 ? ` [${count} tests]` : ''}\n`)
    }
    if (counts.size > 0 && process.env.REQUIRE_ALL === '1') {
      process.stdout.write('REQUIRE_ALL=1: skipped tests fail this run\n')
      process.exitCode = 1
    }
  }
}

function reasonOf(test: TestCase): string | undefined {
  for (let task: TestCase | TestSuite | TestModule = test; task.type !== 'module'; task = task.parent) {
    const reason = task.meta().skipped
    if (reason !== undefined) return reason
  }
  const result = test.result()
  return result.state === 'skipped' && result.note !== undefined ? `${test.fullName}: ${result.note}` : undefined
}
