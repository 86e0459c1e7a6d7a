import {fork} from 'node:child_process'
import {once} from 'node:events'
import {writeFile} from 'node:fs/promises'

import {DuckDBInstance} from '@duckdb/node-api'
import {expect} from 'chai'
import {spy} from 'sinon'

import {folderForEachTest} from '../../support/folder.ts'
import {databaseIn, scriptedRun, type ScriptedRun} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

const run = async (id: string, more: Partial<ScriptedRun> = {}) =>
  scriptedRun({source: scriptedSource(() => [{id, at: 0}]), folder: folder(), now: DAY, request: {full: true}, ...more})

describe('a DuckDB file', () => {
  it('that another process keeps open is waited for, then the run is busy', async () => {
    const held = await DuckDBInstance.create(databaseIn(folder()))
    const script = `${folder()}/open.mjs`
    const warehouse = new URL('../../../src/warehouse/duckdb/warehouse.ts', import.meta.url).href
    await writeFile(
      script,
      `import {DuckDBWarehouse} from '${warehouse}'
       const options = {path: '${databaseIn(folder())}', temporaryFolder: '${folder()}', lockTimeout: 50}
       const scope = {job: 'job', account: null, selection: 'all', stream: {sourceSystem: 's', objectType: 'o'}}
       await new DuckDBWarehouse(options, new AbortController().signal)
         .readStreamStates({eventLog: 'event_log', rawObjects: 'raw_objects'}, [scope])
         .catch((error) => process.send({outcome: error.outcome, message: error.message}))`,
    )
    const child = fork(script, {stdio: 'inherit'})
    const [message] = (await new Promise<unknown[]>((resolve, reject) => {
      child.once('message', (...all) => resolve(all))
      child.once('exit', (code) => reject(new Error(`exit ${code}`)))
    })) as [{outcome: string; message: string}]
    held.closeSync()
    expect(message.outcome).to.equal('busy')
    expect(message.message).to.include(`PID ${process.pid}`)
  })

  it('in which another run commits is waited for as long as that takes', async () => {
    await run('a')
    const script = `${folder()}/commit.mjs`
    const database = new URL('../../../src/warehouse/duckdb/connection.ts', import.meta.url).href
    const options = {path: databaseIn(folder()), temporaryFolder: folder(), lockTimeout: 0}
    await writeFile(
      script,
      `import {withDatabase} from '${database}'
       await withDatabase(${JSON.stringify(options)}, 'write', undefined, async () => {
         process.send('open')
         await new Promise((resolve) => process.once('message', resolve))
       })
       process.disconnect()`,
    )
    const child = fork(script, {stdio: 'inherit'})
    await once(child, 'message')
    const tries = spy(DuckDBInstance, 'create')
    try {
      const second = run('b', {now: 2 * DAY})
      while (tries.callCount < 10) await new Promise(setImmediate)
      child.send('go')
      const {error, counts} = await second
      expect(error).to.equal(undefined)
      expect(counts.inserted).to.equal(1)
    } finally {
      tries.restore()
    }
  })
})
