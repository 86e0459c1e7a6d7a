import {spawnSync} from 'node:child_process'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {folderForEachTest} from '../support/folder.ts'
import {databaseIn} from '../support/scripted-run.ts'
import {expectClearError, failureOf, tenDays, tenDaysIn} from '../support/ten-days.ts'

const folder = folderForEachTest()
const {run, expectWhole} = tenDaysIn(folder)

describe('a folder for temporary files that may only be read', () => {
  it('ends the run with what is wrong and what to do, before anything is asked or written', async () => {
    await run(3)
    const before = await readFile(databaseIn(folder()))
    const release = makeReadOnly(join(folder(), 'spool'))
    try {
      const calls = tenDays.calls.length
      const error = await failureOf(run(6))
      expectClearError(error, /temporary files.*spool/, /folder|XDG_CACHE_HOME/)
      expect(tenDays.calls.length).to.equal(calls)
      expect(before.equals(await readFile(databaseIn(folder())))).to.equal(true)
    } finally {
      release()
    }
    expect((await run(6)).error).to.equal(undefined)
    await expectWhole(6)
  })
})

describe('a DuckDB file', () => {
  it('that may only be read ends the run as an error that says so', async () => {
    await run(3)
    const file = databaseIn(folder())
    const release = makeReadOnly(file)
    try {
      expectClearError(
        await failureOf(run(6)),
        /cannot be written.*(not permitted|denied|[Rr]ead-only)/,
        /right to write/,
      )
      const dry = await run(6, {mode: 'dry-run'})
      expect(dry.error, 'a dry run only reads').to.equal(undefined)
      expect(dry.counts.extracted).to.equal(9)
    } finally {
      release()
    }
    expect((await run(6)).error).to.equal(undefined)
    await expectWhole(6)
  })
})

/** Root may write whatever the mode says, but not what is immutable; others heed the mode. */
function makeReadOnly(file: string): () => void {
  if (process.getuid?.() !== 0) {
    command('chmod', 'u-w', file)
    return () => command('chmod', 'u+w', file)
  }
  command('chattr', '+i', file)
  return () => command('chattr', '-i', file)
}

function command(name: string, ...args: readonly string[]): void {
  const {status, stderr} = spawnSync(name, args, {encoding: 'utf8'})
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`)
}
