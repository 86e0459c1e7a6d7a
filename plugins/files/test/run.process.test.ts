import {appendFile, mkdir, rm} from 'node:fs/promises'
import {dirname, join} from 'node:path'

import {expect} from 'chai'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {query} from '../../../test/support/database.ts'
import {createProject, exists, type Project} from '../../../test/support/external-source.ts'
import {rest, writeFiles} from './folder-of-files.ts'

const JOB = 'sales'
const YAML = `jobs:\n  ${JOB}:\n    source: files\n    streams:\n      sale: {path: incoming/*.csv, key: id}\n      visit: {path: 'logs/**/*.jsonl', key: content}\n`

describe('runs that read files', () => {
  let project: Project
  const folder = (): string => dirname(project.database)

  before(async () => {
    project = await createProject({home: await temporaryFolder(), yaml: YAML})
    await writeFiles(folder(), {
      'incoming/a.csv': 'id,amount\n1,9.50\n2,12345678901234567890\n',
      'incoming/b.csv': 'id,amount\n3,7\nragged\n',
      'logs/2026/11/a.jsonl': '{"at":"2026-11-01","n":12345678901234567890}\n',
      'logs/unpacked.txt': 'no format that anybody knows, and no file of the pattern',
    })
  })

  const run = async (code: number, ...args: string[]): Promise<string> => {
    const result = await project.run(['run', JOB, ...args])
    expect(result.code, result.stdout + result.stderr).to.equal(code)
    return result.stdout
  }

  it('show in a dry run what they would read, and write nothing', async () => {
    expect(await run(3, '--dry-run')).to.include('4 extracted')
    expect(await exists(project.database)).to.be.false
  })

  it('write test tables', async () => {
    expect(await run(3, '--test-table')).to.include('4 extracted, 4 inserted')
  })

  it('store each record once, with every digit, and reject what is none by file and line', async () => {
    expect(await run(3)).to.include('4 extracted, 4 inserted')
    expect(
      await query(project.database, 'SELECT idem_key, payload::VARCHAR AS payload FROM raw_objects ORDER BY 1 LIMIT 3'),
    ).to.deep.equal([
      {idem_key: 'sale:files:1', payload: '{"id":"1","amount":"9.50"}'},
      {idem_key: 'sale:files:2', payload: '{"id":"2","amount":"12345678901234567890"}'},
      {idem_key: 'sale:files:3', payload: '{"id":"3","amount":"7"}'},
    ])
    const [visit] = await query(
      project.database,
      "SELECT payload::VARCHAR AS payload FROM raw_objects WHERE object_type = 'visit'",
    )
    expect(visit).to.deep.equal({payload: '{"at":"2026-11-01","n":12345678901234567890}'})
    const {stdout} = await project.run(['rejects', 'list', JOB])
    expect(stdout).to.include('incoming/b.csv:3').and.include('it has 1 fields, and there are 2 columns')
  })

  it('find nothing new where nothing changed', async () => {
    expect(await run(0)).to.include('0 extracted')
  })

  it('read what was appended, and nothing else', async () => {
    const file = join(folder(), 'incoming', 'a.csv')
    await appendFile(file, '4,1\n5,2\n')
    await rest(file)
    expect(await run(0)).to.include('2 extracted, 2 inserted')
  })

  it('keep the rows of a file that is gone, and say so', async () => {
    await rm(join(folder(), 'incoming', 'a.csv'))
    const {stdout, stderr} = await project.run(['run', JOB])
    expect(stdout).to.include('0 extracted')
    expect(stderr).to.include('incoming/a.csv of sale is not there any more; what was read of it stays')
    const [{rows} = {rows: 0}] = await query(
      project.database,
      "SELECT count(*)::INT AS rows FROM raw_objects WHERE object_type = 'sale'",
    )
    expect(rows).to.equal(5)
  })

  it('read everything anew with --full, and find it unchanged', async () => {
    expect(await run(0, '--full')).to.include('0 inserted, 0 updated')
  })

  it('never see the folder of lorchestra.yaml itself, where secrets are', async () => {
    const beside = await createProject({
      home: await temporaryFolder(),
      yaml: 'jobs:\n  sales:\n    source: files\n    path: "*.csv"\n    key: id\n',
    })
    await mkdir(dirname(beside.database), {recursive: true})
    await writeFiles(dirname(beside.database), {'a.csv': 'id\n1\n'})
    const {code, stderr} = await beside.run(['run', 'sales', '--dry-run'])
    expect(code, stderr).to.equal(1)
    expect(stderr)
      .to.include('the folder ., in which path: looks, is not there, or may not be read (ERR_ACCESS_DENIED)')
      .and.include('put the files into a folder of their own')
  })
})
