import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra} from '../support/cli.ts'
import {folderForEachTest} from '../support/folder.ts'
import {scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const folder = folderForEachTest()
const rejecting = scriptedSource(() => [], {
  async *extract({reject}) {
    reject('message 17', 'its body is missing')
    yield await Promise.resolve({records: [{id: 'good'}, {id: 'bad\ud800'}]})
  },
})
const list = async (...args: string[]) => {
  await writeFile(join(folder(), 'lorchestra.yaml'), 'warehouse: {type: duckdb, path: warehouse.duckdb}\n')
  return lorchestra(['rejects', 'list', ...args], {cwd: folder()})
}

describe('lorchestra rejects list', () => {
  for (const mode of ['production', 'test-table'] as const) {
    it(`shows reference and reason of each record that a run rejected (${mode})`, async () => {
      await scriptedRun({source: rejecting, folder: folder(), runId: 'the-run', mode})
      const {code, stdout} = await list('the-run')
      expect(code).to.equal(0)
      expect(stdout).to.match(/^open +thing +message 17 +its body is missing$/m)
      expect(stdout).to.match(
        /^open +thing +record without a key, sha256 [0-9a-f]{16} +its idem_key is not well-formed Unicode$/m,
      )
      const {stdout: json} = await list('the-run', '--json')
      const {rejects} = JSON.parse(json) as {rejects: {reference: string}[]}
      expect(rejects.map(({reference}) => reference.replace(/ sha256.*/, ''))).to.deep.equal([
        'message 17',
        'record without a key,',
      ])
    })
  }

  it('leaves out what a later run stored, or read again as a whole; --all shows it as closed', async () => {
    let bad = true
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        if (bad) reject('message 17', 'its body is missing')
        yield await Promise.resolve({records: bad ? [] : [{id: 'message 17'}]})
      },
    })
    await scriptedRun({source, folder: folder(), runId: 'the-run', job: 'things'})
    await writeFile(
      join(folder(), 'jobs.yaml'),
      'jobs: {things: {source: nobody}}\nwarehouse: {type: duckdb, path: warehouse.duckdb}\n',
    )
    const ofJob = async (...more: string[]) =>
      lorchestra(['rejects', 'list', 'things', '--config', 'jobs.yaml', ...more], {cwd: folder()})
    expect((await ofJob()).stdout).to.match(/^open +thing +message 17 +its body is missing$/m)
    expect((await ofJob('--since', '-7d')).stdout).to.match(
      /message 17.*\n+Looked at since \d{4}-.*; --since -400d looks further back\.\n/,
    )
    bad = false
    await scriptedRun({source, folder: folder(), job: 'things', request: {full: true}})
    expect((await ofJob()).stdout).to.equal('things has no open rejects; --all shows closed ones.\n')
    expect((await list('the-run', '--all')).stdout).to.match(/^closed +thing +message 17 +its body is missing$/m)
  })

  it('puts equal reasons together, and says how many there are beyond the first ten', async () => {
    const many = scriptedSource(() => [], {
      async *extract({reject}) {
        for (let number = 0; number < 25; number += 1) reject(`message ${number}`, 'it is too large')
        yield await Promise.resolve({records: []})
      },
    })
    await scriptedRun({source: many, folder: folder(), runId: 'the-run'})
    const {stdout} = await list('the-run')
    expect(stdout.match(/too large/g)).to.have.length(11)
    expect(stdout).to.match(/^ +thing +and 15 more +it is too large$/m)
    expect((JSON.parse((await list('the-run', '--json')).stdout) as {rejects: unknown[]}).rejects).to.have.length(25)
  })

  it('says so where a run rejected nothing', async () => {
    await scriptedRun({source: scriptedSource(() => []), folder: folder(), runId: 'the-run'})
    expect(await list('the-run')).to.include({
      code: 0,
      stdout: 'the-run has no open rejects; --all shows closed ones.\n',
    })
  })

  it('ends with 2 for a run that nobody knows, and makes no database', async () => {
    const {code, stderr} = await list('nobody')
    expect(code).to.equal(2)
    expect(stderr).to.include('there is no run "nobody"')
  })
})
