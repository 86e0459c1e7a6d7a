import {expect} from 'chai'

import {query} from '../support/database.ts'
import {createProject, homeWith} from '../support/external-source.ts'
import {folderForEachTest} from '../support/folder.ts'
import {runApart} from '../support/run-apart.ts'
import {databaseIn} from '../support/scripted-run.ts'

const folder = folderForEachTest()

/** Announces what it yields page by page, and breaks after three pages. */
const LEDGER = `
export default {
  apiVersion: 1,
  name: 'ledger',
  summary: 'entries without time',
  options: {'~standard': {version: 1, vendor: 'ledger', validate: (value) => ({value})}},
  streams: () => [{objectType: 'entry', windowed: false}],
  idemKey: ({id}, {objectType, sourceSystem}) => [objectType, sourceSystem, id].join(':'),
  async *extract({bookmark = 0, progress}) {
    for (let first = bookmark; first < 500; first += 100) {
      if (first - bookmark === 300) throw new Error('the ledger fell shut')
      progress({listed: 100})
      const records = Array.from({length: 100}, (_, index) => ({id: first + index, ['of' + first]: true}))
      yield {records, bookmark: first + 100, checkpoint: true}
    }
  },
}
`

describe('a source without windows in its box', () => {
  it('gets on by its checkpoints, and what it lists for the next page is counted with that', async () => {
    const home = await homeWith({name: 'ledger', files: {'source.js': LEDGER}})
    const project = await createProject({home, yaml: 'jobs:\n  all_entries:\n    source: ledger\n'})
    const broken = await project.run(['run', 'all_entries'])
    expect(broken.code, broken.stderr).to.equal(1)
    expect(broken.stderr).to.include('the ledger fell shut')
    expect(broken.stderr).to.include(
      '300 stored (up to a checkpoint of the source); the same command goes on from there.',
    )
    const {stdout: runs} = await project.run(['runs', 'list', '--json'])
    const [{run_id: runId, windows}] = (JSON.parse(runs) as {runs: [{run_id: string; windows: unknown[]}]}).runs
    expect(windows).to.deep.equal([])
    expect((await project.run(['runs', 'show', runId])).stdout).to.match(/everything before \S+ \(in part\)/)
    const ended = await project.run(['run', 'all_entries', '--json'])
    expect(ended.code, ended.stderr).to.equal(0)
    const [{counts}] = (JSON.parse(ended.stdout) as {runs: [{counts: object}]}).runs
    expect(counts).to.include({listed: 200, extracted: 200, inserted: 200})
    expect(await query(project.database, 'SELECT 1 FROM raw_objects')).to.have.length(500)
    const told = await query(
      project.database,
      `SELECT (payload->'$.changes[*].path')::VARCHAR AS paths, payload->>'$.changes[0].of' AS of
       FROM event_log WHERE event_type = 'schema.changed' ORDER BY rowid`,
    )
    // Each part tells of its own records, and of no other.
    expect(told).to.have.length(5)
    for (const [index, {paths, of}] of told.entries())
      expect([String(paths).includes(`/of${index * 100}`), of]).to.deep.equal([true, '100'])
  })
})

describe('a source without windows whose runs are killed', () => {
  it('gets to its end by its checkpoints, and has every record once', async () => {
    const ledger = {size: 90, killAfter: 40}
    const inStore: number[] = []
    for (let outcome = 'killed'; outcome === 'killed';) {
      const [ended] = await runApart([
        {
          folder: folder(),
          records: [],
          ledger,
          runId: `run-${inStore.length}`,
          now: 1000 * (inStore.length + 1),
          commitAfter: {records: 10, milliseconds: 1e9},
        },
      ])
      outcome = ended?.outcome ?? 'gone'
      expect(outcome).to.be.oneOf(['killed', 'done'])
      const rows = await query(databaseIn(folder()), 'SELECT external_id::INTEGER AS id FROM raw_objects ORDER BY 1')
      expect(rows.map(({id}) => id)).to.deep.equal(Array.from(rows, (_, index) => index))
      inStore.push(rows.length)
    }
    expect(inStore.at(-1)).to.equal(90)
    expect(inStore.length).to.be.within(3, 5)
    // The last commit that a run began may not be in; those before it are.
    for (const [index, count] of inStore.slice(0, -1).entries())
      expect(count - (inStore[index - 1] ?? 0)).to.be.at.least(20)
  })
})
