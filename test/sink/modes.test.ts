import {readdir} from 'node:fs/promises'
import {join} from 'node:path'

import {DuckDBConnection} from '@duckdb/node-api'
import {expect} from 'chai'
import sinon from 'sinon'

import {messageWithCauses, outcomeOf} from '../../src/base/errors.ts'
import {setRunMode, type RunMode} from '../../src/model/run-mode.ts'
import {withRunMode} from '../support/run-mode.ts'
import {openSink} from '../../src/sink/open-sink.ts'
import {DuckDBWarehouse} from '../../src/warehouse/duckdb/warehouse.ts'
import {change} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, PRODUCTION, scriptedRun, silentLog} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()
const source = scriptedSource(() => [{id: 'a', at: 1}], {
  async *extract({known}) {
    await known(['thing:scripted--acct1:a'])
    yield {records: [{id: 'a'}, {id: 'b'}], deleted: ['thing:scripted--acct1:c']}
  },
})

/** All SQL that reaches DuckDB while `work` goes on. */
async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const spies = [
    sinon.spy(DuckDBConnection.prototype, 'run'),
    sinon.spy(DuckDBConnection.prototype, 'runAndReadAll'),
    sinon.spy(DuckDBConnection.prototype, 'prepare'),
    sinon.spy(DuckDBConnection.prototype, 'createAppender'),
    sinon.spy(DuckDBConnection.prototype, 'stream'),
  ]
  try {
    await work()
    return spies.flatMap((spy) => spy.args.map(([sql]) => sql.trim()))
  } finally {
    sinon.restore()
  }
}

describe('a dry run', () => {
  it('calls no write method of the warehouse and sends nothing but questions', async () => {
    await scriptedRun({source, folder: folder(), now: DAY})
    const begin = sinon.spy(DuckDBWarehouse.prototype, 'begin')
    let began: boolean | undefined
    const statements = await statementsOf(async () => {
      const report = await scriptedRun({source, folder: folder(), now: 2 * DAY, mode: 'dry-run'})
      expect(report.counts).to.include({extracted: 2, known: 1, deleted: 1})
      began = begin.called
    })
    expect(began).to.equal(false)
    expect(statements).not.to.be.empty
    // The keys that are known already are copied to a temporary index of the run.
    const writing = statements.filter((sql) => !/^(SELECT|WITH)\b/.test(sql))
    expect(writing.map((sql) => sql.split('\n')[0]?.replace(folder(), '').replace(/'.*?'/g, "'…'"))).to.deep.equal([
      "COPY (SELECT idem_key, false AS untold FROM main.\"raw_objects\" WHERE (source_system, object_type) IN (('…', '…'))) TO '…' (FORMAT parquet)",
      "CREATE TABLE known AS SELECT idem_key, untold FROM read_parquet('…')",
    ])
  })
})

describe('a test run', () => {
  const namesProduction = (sql: string): boolean => /(?<!test_)\b(raw_objects|event_log)\b/i.test(sql)

  for (const [what, prepare] of [
    ['beside production', async () => scriptedRun({source, folder: folder(), now: DAY})],
    ['where there is no production yet', async () => change(databaseIn(folder()))],
  ] as const) {
    it(`names test tables alone in all that it sends, ${what}`, async () => {
      await prepare()
      const statements = await statementsOf(async () => {
        const report = await scriptedRun({source, folder: folder(), now: 2 * DAY, mode: 'test-table'})
        expect(report.counts.inserted).to.equal(2)
      })
      expect(statements.filter((sql) => sql.includes('test_raw_objects'))).not.to.be.empty
      expect(statements.filter(namesProduction)).to.deep.equal([])
    })
  }
})

describe('a sink', () => {
  const options = (production = PRODUCTION) => ({
    production,
    openWarehouse: () => Promise.reject(new Error('opened')),
    folder: folder(),
    needsCoverage: true,
    samples: 3,
    hiddenPaths: [],
  })

  function outcomeOfOpening(wanted: RunMode): string {
    try {
      openSink(options(), wanted)
    } catch (error) {
      return outcomeOf(error)
    }
    return 'opened'
  }

  it('does not open while no mode is set', () => {
    expect(outcomeOfOpening('production')).to.equal('mode')
  })

  it('does not open in another mode than the one that the command read from its flags', async () => {
    for (const mode of ['production', 'test-table', 'dry-run'] as const)
      for (const wanted of ['production', 'test-table', 'dry-run'] as const)
        await withRunMode(mode, () => {
          expect(outcomeOfOpening(wanted)).to.equal(mode === wanted ? 'opened' : 'mode')
          return Promise.resolve()
        })
  })

  it('does not open for a mode that nothing knows, and such a mode cannot be set', async () => {
    const shadow = 'shadow' as RunMode
    expect(() => setRunMode(shadow)).to.throw('nothing here knows the run mode shadow')
    await withRunMode('production', () => {
      expect(outcomeOfOpening(shadow)).to.equal('mode')
      return Promise.resolve()
    })
  })

  it('is opened in a mode that is set once: whoever sets it again is refused, with the same mode too', async () => {
    await withRunMode('dry-run', () => {
      expect(() => setRunMode('production')).to.throw('something wanted to make it production')
      expect(() => setRunMode('dry-run')).to.throw('something wanted to make it dry-run')
      expect(outcomeOfOpening('dry-run')).to.equal('opened')
      return Promise.resolve()
    })
  })

  it('does not open where production and test tables overlap', async () => {
    await withRunMode('test-table', () => {
      for (const production of [
        {eventLog: 'log', rawObjects: 'test_log'},
        {eventLog: 'Log', rawObjects: 'LOG'},
      ]) {
        expect(() => openSink(options(production), 'test-table')).to.throw(/stands for two tables/)
      }
      return Promise.resolve()
    })
  })

  it('of a dry run says to pass --since where production cannot be read', async () => {
    const {error} = await scriptedRun({
      source,
      folder: folder(),
      mode: 'dry-run',
      warehouse: (real) => {
        sinon.stub(real, 'readStreamStates').rejects(new Error('no credentials'))
        return real
      },
    })
    expect(outcomeOf(error)).to.equal('failed')
    expect(error).to.have.property('next').that.includes('Pass --since')
  })

  for (const mode of ['dry-run', 'production'] as const) {
    it(`leaves no temporary file behind where the stored keys cannot be read (${mode})`, async () => {
      const problems: string[] = []
      const {error} = await scriptedRun({
        source,
        folder: folder(),
        mode,
        log: {...silentLog, error: (message) => problems.push(message)},
        warehouse: (real) => {
          sinon.stub(real, 'indexKeys').rejects(new Error('the disk is gone'))
          return real
        },
      })
      expect(messageWithCauses(error)).to.contain('the disk is gone')
      expect(problems).to.deep.equal([])
      expect(await readdir(join(folder(), 'spool'))).to.deep.equal([])
    })
  }

  it('of a dry run says that duplicates are unknown where there are too many keys to compare', async () => {
    const id = 'x'.repeat(900)
    const many = scriptedSource(() => [], {
      async *extract() {
        for (let page = 0; page < 8; page += 1) {
          const records = Array.from({length: 5000}, (_, index) => ({id: `${id}${page}-${index}`}))
          yield await Promise.resolve({records})
        }
      },
    })
    const {preview, counts} = await scriptedRun({source: many, folder: folder(), now: DAY, mode: 'dry-run'})
    expect(counts.extracted).to.equal(40_000)
    expect(preview?.duplicates).to.equal(undefined)
  })
})
