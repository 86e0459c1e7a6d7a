import {join} from 'node:path'

import {expect} from 'chai'

import type {LorchestraError} from '../../src/base/errors.ts'
import type {JsonObject} from '../../src/source.ts'
import type {Warehouse} from '../../src/warehouse/warehouse.ts'
import type {EndedApart, RunApart} from './run-apart.ts'
import {PRODUCTION, TEST} from './scripted-run.ts'
import {copySources, insertBefore} from './source-copy.ts'
import {DAY} from './warehouse-contract.ts'

/** A warehouse that the lorchestra of this repository and changed copies of it work on, one after the other. */
export interface SharedWarehouse {
  readonly folder: string
  /** By the code in `root`. */
  open(root: string): Promise<Warehouse>
  /** By the code in `root`, in a process of its own. */
  run(root: string, run: RunApart): Promise<EndedApart>
  /** In the order of `external_id`. */
  rows(table: string, columns: readonly string[]): Promise<readonly unknown[][]>
}

const ROOT = join(import.meta.dirname, '..', '..')

/** A copy of the sources whose definition of `raw_objects` has these columns more, and nothing else. */
export async function copyWithColumns(folder: string, columns: readonly string[]): Promise<string> {
  const copy = await copySources(folder)
  const end = '] as const satisfies readonly RawObjectColumn[]'
  await insertBefore(join(copy, 'src/model/tables.ts'), end, columns.map((column) => `  {${column}},\n`).join(''))
  return copy
}

const ofRun = (name: string, updated: string): string =>
  `name: '${name}', type: 'STRING', required: false, description: 'New.', from: 'run', field: 'runId', updated: '${updated}'`

/** A text of the record; whoever makes records must say it, as the compiler says. */
export const LABEL = `name: 'label', type: 'STRING', required: false, description: 'New.', from: 'record', field: 'label', updated: 'onChange'`

export async function copyWithLabels(folder: string): Promise<string> {
  const copy = await copyWithColumns(folder, [LABEL])
  const place = 'json: json.bytes}'
  await insertBefore(join(copy, 'src/sources/box/keyed-record.ts'), place, `label: process.env['TEST_LABEL'] ?? null, `)
  return copy
}

/** What a column that is added to the definition of `raw_objects` alone means on every warehouse. */
export function describeNewColumn(warehouse: () => SharedWarehouse): void {
  const done = async (root: string, runId: string, day: number, ...records: readonly JsonObject[]) => {
    const ended = await warehouse().run(root, {runId, now: day * DAY, records, request: {full: true}})
    expect([ended.outcome, ended.message]).to.deep.equal(['done', ''])
    return ended.counts
  }

  it('of a run is asked for where it lacks, added on demand, and then written by new rows, changes and every read', async () => {
    await (await warehouse().open(ROOT)).createTables(PRODUCTION)
    await done(ROOT, 'before', 1, {id: 'old'})
    expect((await warehouse().run(ROOT, {runId: 'test', now: DAY, records: [], mode: 'test-table'})).message).to.equal(
      '',
    )
    const columns = ['first_run', 'changed_run', 'last_run']
    const copy = await copyWithColumns(warehouse().folder, [
      ofRun('first_run', 'never'),
      ofRun('changed_run', 'onChange'),
      ofRun('last_run', 'onRead'),
    ])

    for (const mode of ['production', 'test-table', 'dry-run'] as const) {
      const refused = await warehouse().run(copy, {runId: `${mode}-refused`, now: DAY, records: [], mode})
      expect(refused.outcome).to.equal('usage')
      expect(refused.message).to.match(/raw_objects is not .*column first_run \(\w+\) is missing; column changed_run/)
    }
    const open = await warehouse().open(copy)
    const error = (await open.createTables(PRODUCTION).catch((reason: unknown) => reason)) as LorchestraError
    expect(error.next).to.equal('Add what is missing with: lorchestra warehouse create --add-columns')
    expect(await open.addColumns([PRODUCTION, TEST])).to.deep.equal([
      {table: 'raw_objects', columns},
      {table: 'test_raw_objects', columns},
    ])
    expect(await open.addColumns([PRODUCTION, TEST])).to.deep.equal([])
    expect(await open.createTables(PRODUCTION)).to.deep.equal([])

    const rows = async (table = 'raw_objects') => warehouse().rows(table, ['external_id', ...columns])
    const alone = {id: 'c', number: 1e-300}
    await done(copy, '1st', 2, {id: 'a'}, {id: 'b'}, {id: 'b', n: 1}, alone)
    const counts = await done(copy, '2nd', 3, {id: 'a', n: 2}, {id: 'b', n: 1}, {id: 'd'})
    expect(counts).to.include({inserted: 1, updated: 1, unchanged: 1})
    expect(await rows()).to.deep.equal([
      ['a', '1st', '2nd', '2nd'],
      ['b', '1st', '1st', '2nd'],
      ['c', '1st', '1st', '1st'],
      ['d', '2nd', '2nd', '2nd'],
      ['old', null, null, null],
    ])
    const most = await done(copy, '3rd', 4, {id: 'a', n: 3}, {id: 'b', n: 3}, {id: 'old', n: 3}, alone)
    expect(most).to.include({inserted: 0, updated: 3, unchanged: 1})
    expect(await rows()).to.deep.equal([
      ['a', '1st', '3rd', '3rd'],
      ['b', '1st', '3rd', '3rd'],
      ['c', '1st', '1st', '3rd'],
      ['d', '2nd', '2nd', '2nd'],
      ['old', null, '3rd', '3rd'],
    ])
    const tested = await warehouse().run(copy, {
      runId: 'tested',
      now: 5 * DAY,
      records: [{id: 'a'}],
      mode: 'test-table',
    })
    expect([tested.outcome, tested.message]).to.deep.equal(['done', ''])
    expect(await rows('test_raw_objects')).to.deep.equal([['a', 'tested', 'tested', 'tested']])

    const {tables, streams} = await open.describe(PRODUCTION)
    expect([tables.map(({exists}) => exists), streams.length]).to.deep.equal([[true, true], 1])
    await done(ROOT, 'without them', 6, {id: 'a', n: 4})
    expect((await rows())[0]).to.deep.equal(['a', '1st', '3rd', '3rd'])
  })

  it('of a record makes it a changed one where it differs, with the same payload', async () => {
    const copy = await copyWithLabels(warehouse().folder)
    await (await warehouse().open(copy)).createTables(PRODUCTION)
    const labelled = async (label: string | undefined, day: number) => {
      if (label !== undefined) process.env['TEST_LABEL'] = label
      try {
        const counts = await done(copy, `run-${day}`, day, {id: 'a'}, {id: 'b', number: 1e-300})
        const {inserted = 0, updated = 0, unchanged = 0} = counts ?? {}
        return [inserted, updated, unchanged, await warehouse().rows('raw_objects', ['external_id', 'label'])]
      } finally {
        delete process.env['TEST_LABEL']
      }
    }
    const both = (label: string | null) => ['a', 'b'].map((id) => [id, label])
    expect(await labelled('"quoted"', 1)).to.deep.equal([2, 0, 0, both('"quoted"')])
    expect(await labelled('"quoted"', 2)).to.deep.equal([0, 0, 2, both('"quoted"')])
    expect(await labelled('another', 3)).to.deep.equal([0, 2, 0, both('another')])
    expect(await labelled(undefined, 4)).to.deep.equal([0, 2, 0, both(null)])
    expect(await labelled(undefined, 5)).to.deep.equal([0, 0, 2, both(null)])
    expect(await labelled('later', 6)).to.deep.equal([0, 2, 0, both('later')])
  })
}
