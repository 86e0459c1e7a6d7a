import type {Runnable, Suite, Test} from 'mocha'

import type {Cannot} from './emulators.ts'

/** These are known to fail on the emulator that the suite runs on. */
const expected = new WeakSet<object>()

/** `true` of a test that cannot pass here, and so may leave behind what it likes. */
export const isExpectedToFail = (test: Runnable | undefined): boolean => test !== undefined && expected.has(test)

/**
 * Turns the tests of a suite that an emulator cannot pass round: each has to fail, and one that passes is a failure that says so. A
 * name that no test has fails at once.
 */
export function expectFailures(suite: Suite, cannot: Cannot): void {
  const listed = cannot[suite.title] ?? {}
  const missing = new Set(Object.keys(listed))
  for (const test of suite.tests) {
    const why = listed[test.title]
    if (why === undefined) continue
    missing.delete(test.title)
    turnRound(test, why)
  }
  if (missing.size > 0) throw new Error(`no test of "${suite.title}" is called "${[...missing].join('", "')}"`)
}

function turnRound(test: Test, why: string): void {
  const {fn} = test
  if (fn === undefined || expected.has(test)) return
  expected.add(test)
  test.title += ` – cannot: ${why}`
  test.fn = async function (this: Mocha.Context) {
    const isPassed = await Promise.resolve((fn as (this: Mocha.Context) => unknown).call(this)).then(
      () => true,
      () => false,
    )
    if (isPassed) throw new Error(`it passes: "${why}" is no longer true, take it out of the list`)
  }
}
