import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {answers} from '../../src/sources/box/box-messages.ts'
import {Box} from '../../src/sources/box/box.ts'
import {ownGrants} from '../../src/sources/box/grants.ts'
import {temporaryFolder} from '../support/cli.ts'

const SECONDS = 2
const HANGING = `export default () => new Promise(() => setInterval(() => {}, 1000))`
/** Says who it is, and does not run until it is let. */
const STOPPED = `
console.log(process.pid)
process.kill(process.pid, 'SIGSTOP')
export default () => []`

describe('on a busy machine', () => {
  // It stops no process.
  if (process.platform === 'win32') return
  const boxes: Box[] = []
  afterEach(() => {
    for (const box of boxes.splice(0)) box.close()
  })

  async function asked(hook: string): Promise<{readonly printed: Promise<string>; readonly answer: Promise<unknown>}> {
    const folder = await temporaryFolder()
    const path = join(folder, 'hook.mjs')
    await writeFile(path, hook)
    const box = new Box(ownGrants(folder))
    boxes.push(box)
    const printed = new Promise<string>((resolve) => box.listen({printed: resolve}))
    const answer = box.withinSeconds(SECONDS, box.call(answers.list, 'list', [path]), 'it took too long')
    return {printed, answer}
  }

  const resultOf = async (answer: Promise<unknown>): Promise<unknown> => answer.catch(String)

  it('a plugin that the machine does not let run is waited for, one that does nothing is not', async () => {
    const stopped = await asked(STOPPED)
    const pid = Number(await stopped.printed)
    // Asked later, and so out of time later.
    const hanging = await asked(HANGING)
    expect(await resultOf(hanging.answer)).to.contain('it took too long')
    process.kill(pid, 'SIGCONT')
    expect(await resultOf(stopped.answer)).to.deep.equal([{descriptors: []}])
  })
})
