import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra} from '../support/cli.ts'
import {createProject, homeWith} from '../support/external-source.ts'
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
      expect(stdout).to.match(/^thing +message 17 +its body is missing$/m)
      expect(stdout).to.match(
        /^thing +record without a key, sha256 [0-9a-f]{16} +its idem_key is not well-formed Unicode$/m,
      )
      const {stdout: json} = await list('the-run', '--json')
      const {rejects} = JSON.parse(json) as {rejects: {reference: string}[]}
      expect(rejects.map(({reference}) => reference.replace(/ sha256.*/, ''))).to.deep.equal([
        'message 17',
        'record without a key,',
      ])
    })
  }

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
    expect(stdout).to.match(/^thing +and 15 more +it is too large$/m)
    expect((JSON.parse((await list('the-run', '--json')).stdout) as {rejects: unknown[]}).rejects).to.have.length(25)
  })

  it('is named by the run, with the command that reads the records again when the cause is cured', async () => {
    const yaml = 'jobs:\n  entries:\n    source: diary\n    file: records.json\n    start: 2024-03-01T00:00:00Z\n'
    const project = await createProject({home: await homeWith({name: 'diary'}), yaml})
    await project.writeRecords([{at: '2024-03-02T00:00:00Z'}, {at: '2024-03-03T00:00:00Z', id: 'good'}])
    const {stdout} = await project.run(['run', 'entries'])
    const command = /read them again: lorchestra (.*)$/m.exec(stdout)?.[1] ?? ''
    expect(command).to.match(/^run entries --since 2024-03-01T00:00:00.000Z --until /)
    await project.writeRecords([
      {at: '2024-03-02T00:00:00Z', id: 'cured'},
      {at: '2024-03-03T00:00:00Z', id: 'good'},
    ])
    expect((await project.run(['run', 'entries'])).stdout).to.contain('0 inserted')
    expect((await project.run(command.split(' '))).stdout).to.contain('1 inserted')
  })

  it('says so where a run rejected nothing', async () => {
    await scriptedRun({source: scriptedSource(() => []), folder: folder(), runId: 'the-run'})
    expect(await list('the-run')).to.include({code: 0, stdout: 'the-run rejected nothing.\n'})
  })

  it('ends with 2 for a run that nobody knows, and makes no database', async () => {
    const {code, stderr} = await list('nobody')
    expect(code).to.equal(2)
    expect(stderr).to.include('there is no run "nobody"')
  })
})
