import {readdir, utimes, writeFile} from 'node:fs/promises'
import {basename} from 'node:path'
import {setImmediate as turn} from 'node:timers/promises'

import {expect} from 'chai'
import sinon from 'sinon'

import {codeOf, outcomeOf} from '../../src/base/errors.ts'
import {ownProcess, type ProcessIdentity} from '../../src/base/process-identity.ts'
import {HEARTBEAT} from '../../src/base/sign-of-life.ts'
import {change, events, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const folder = folderForEachTest()
const source = scriptedSource(() => [{id: 'a', at: 1}])
const run = async () => scriptedRun({source, folder: folder(), request: {full: true}})

async function startedBy(owner: ProcessIdentity, at: string): Promise<void> {
  await run()
  const payload = JSON.stringify({streams: ['scripted--acct1/thing'], process: owner})
  await change(
    databaseIn(folder()),
    `INSERT INTO event_log (event_id, event_type, source_system, correlation_id, created_at, status, payload)
     VALUES ('x', 'job.started', 'lorchestra', 'earlier', ${at}, 'ok', '${payload}')`,
  )
}

describe('the stream of a run', () => {
  it('whose pid belongs to another process by now is taken over', async () => {
    const other = await ownProcess()
    await startedBy({...other, token: 'of another process'}, 'now()')
    expect((await run()).error).to.equal(undefined)
  })

  it('on another machine is left alone for five minutes after its last event, then taken over', async () => {
    const elsewhere = {host: 'elsewhere.example', pid: 1, token: ''}
    await startedBy(elsewhere, "now() - INTERVAL '4 minutes'")
    const refused = await run().catch((error: unknown) => error)
    expect(outcomeOf(refused)).to.equal('busy')
    expect(refused)
      .to.be.an('error')
      .with.property('message')
      .that.includes('run earlier')
      .and.includes('elsewhere.example')
    await change(
      databaseIn(folder()),
      `UPDATE event_log SET created_at = now() - INTERVAL '6 minutes' WHERE correlation_id = 'earlier'`,
    )
    expect((await run()).error).to.equal(undefined)
  })

  it('whose last sign of life lies in the future, by a wrong clock, is no case for waiting', async () => {
    await startedBy({host: 'elsewhere.example', pid: 1, token: ''}, "now() + INTERVAL '1 year'")
    const refused = await run().catch((error: unknown) => error)
    expect([outcomeOf(refused), codeOf(refused)]).to.deep.equal(['failed', 'E_CLOCK_WRONG'])
  })

  it('on another machine, or in a container of the same host name, is left alone while its sign of life is fresh', async () => {
    const container = {...(await ownProcess()), pid: 2 ** 22 + 1, namespace: 'pid:[1]'}
    await startedBy(container, "now() - INTERVAL '2 hours'")
    const sign = `${databaseIn(folder())}.earlier.lives`
    await writeFile(sign, '')
    expect(outcomeOf(await run().catch((error: unknown) => error))).to.equal('busy')
    const silent = new Date(Date.now() - 6 * 60_000)
    await utimes(sign, silent, silent)
    expect((await run()).error).to.equal(undefined)
    expect((await readdir(folder())).filter((name) => name.endsWith('.lives'))).to.deep.equal([])
  })

  it('has a sign of life beside the database once it is read for a minute, and none afterwards', async () => {
    const everySoOften = setInterval
    // A minute passes in a millisecond.
    const quick = sinon
      .stub(globalThis, 'setInterval')
      .callsFake(((work: () => void, delay: number) =>
        everySoOften(work, delay === HEARTBEAT ? 1 : delay)) as typeof setInterval)
    const sign = `${basename(databaseIn(folder()))}.seen.lives`
    const slow = scriptedSource(() => [], {
      async *extract() {
        while (!(await readdir(folder())).includes(sign)) await turn()
        yield {records: [{id: 'a'}]}
      },
    })
    try {
      await scriptedRun({source: slow, folder: folder(), runId: 'seen'})
    } finally {
      quick.restore()
    }
    expect((await readdir(folder())).filter((name) => name.endsWith('.lives'))).to.deep.equal([])
  })

  it('that was taken for dead but lives can no longer commit', async () => {
    const slow = scriptedSource(() => [], {
      async *extract() {
        await change(
          databaseIn(folder()),
          `INSERT INTO event_log (event_id, event_type, source_system, correlation_id, created_at, status, error_message)
           VALUES ('y', 'job.failed', 'lorchestra', 'slow', now(), 'failed', 'its stream was taken over by run other')`,
        )
        yield {records: [{id: 'late'}]}
      },
    })
    const {error} = await scriptedRun({source: slow, folder: folder(), runId: 'slow'})
    expect(error).to.be.an('error').with.property('message').that.includes('taken over by run other')
    expect(await query(databaseIn(folder()), 'SELECT 1 FROM raw_objects')).to.deep.equal([])
    expect(await events(databaseIn(folder()), 'ingestion.completed')).to.deep.equal([])
  })
})
