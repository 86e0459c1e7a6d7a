import {fork, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {existsSync} from 'node:fs'
import {mkdir, readdir, utimes, writeFile} from 'node:fs/promises'
import {hostname} from 'node:os'
import {join} from 'node:path'

import {expect} from 'chai'

import {ownProcess, type ProcessIdentity} from '../../src/base/process-identity.ts'
import {processNameOf} from '../../src/base/process-name.ts'
import {change, events} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const folder = folderForEachTest()
const source = scriptedSource(() => [{id: 'a', at: 1}])
const run = async () => scriptedRun({source, folder: folder(), request: {full: true}})

function deadProcess(): ProcessIdentity {
  const {pid} = spawnSync(process.execPath, ['--version'])
  return {host: hostname(), pid, token: ''}
}

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
  it('whose process is gone is taken over, and its end is recorded', async () => {
    await startedBy(deadProcess(), 'now()')
    const {error} = await run()
    expect(error).to.equal(undefined)
    const failed = await events(databaseIn(folder()), 'job.failed')
    expect(failed.map((event) => event['correlation_id'])).to.deep.equal(['earlier'])
    expect(failed[0]?.['error_message']).to.include('ended without a word')
  })
})

describe('temporary files', () => {
  const leave = async (name: string, owner: string | undefined): Promise<string> => {
    const left = join(folder(), 'spool', name)
    await mkdir(left, {recursive: true})
    await writeFile(join(left, 'records-1.ndjson'), '{}\n')
    if (owner !== undefined) await writeFile(join(left, 'owner.json'), owner)
    return left
  }

  it('of dead runs are removed by the next run, and those of living ones are not', async () => {
    const dead = await leave('dead', JSON.stringify(deadProcess()))
    const alive = await leave('alive', JSON.stringify(await ownProcess()))
    const unfinished = await leave('unfinished', '{"host"')
    const abandoned = await leave('abandoned', undefined)
    await utimes(abandoned, new Date(0), new Date(0))
    await run()
    expect([dead, alive, unfinished, abandoned].map((path) => existsSync(path))).to.deep.equal([
      false,
      true,
      true,
      false,
    ])
    expect((await readdir(join(folder(), 'spool'))).toSorted()).to.deep.equal(['alive', 'unfinished'])
  })

  it('that a run in another container makes or removes are left alone, and are removed when they are a day old', async () => {
    const gone = {...(await ownProcess()), ...deadProcess()}
    const draftOf = async (owner: ProcessIdentity): Promise<string> =>
      leave(`run.${processNameOf(owner)}.draft`, undefined)
    const ours = await draftOf({...(await ownProcess()), pid: gone.pid})
    const theirs = await draftOf({...gone, host: 'another-pod'})
    const old = await draftOf({...gone, host: 'another-pod'})
    await utimes(old, new Date(0), new Date(0))
    await run()
    expect([ours, theirs, old].map((path) => existsSync(path))).to.deep.equal([false, true, false])
  })

  it('that a run was removing when it was killed itself are removed by the next one', async () => {
    const dead = await leave('dead', JSON.stringify(deadProcess()))
    for (let file = 0; file < 5000; file += 1) await writeFile(join(dead, `lone-${file}.json`), '{}\n')
    const script = join(folder(), 'remove.mjs')
    const runFolder = new URL('../../src/sink/run-folder.ts', import.meta.url).href
    await writeFile(
      script,
      `import {createRunFolder} from '${runFolder}'\nawait createRunFolder('${join(folder(), 'spool', 'killed')}')`,
    )
    const remover = fork(script, {stdio: 'inherit'})
    while (existsSync(join(dead, 'owner.json'))) await new Promise(setImmediate)
    remover.kill('SIGKILL')
    await once(remover, 'close')
    await run()
    expect(await readdir(join(folder(), 'spool'))).to.deep.equal([])
  })
})
