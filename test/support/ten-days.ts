import {expect} from 'chai'

import {LorchestraError, messageWithCauses, outcomeOf} from '../../src/base/errors.ts'
import type {JsonObject} from '../../src/source.ts'
import {query} from './database.ts'
import {databaseIn, scriptedRun, type ScriptedResult, type ScriptedRun} from './scripted-run.ts'
import {scriptedSource, type ScriptedRecord} from './scripted-source.ts'

export const DAY = 86_400_000
export const defaults = {slice: '1d', earliest: '1970-01-01'}

/** Three a day. */
export const recordsUpTo = (days: number): readonly ScriptedRecord[] =>
  Array.from({length: 3 * days}, (_, index) => ({id: `r${index}`, at: (index * DAY) / 3, text: `text of ${index}`}))

export const tenDays = scriptedSource(() => recordsUpTo(10), {defaults})

/** Runs that store what was recorded up to a day, each day in a commit of its own. */
export function tenDaysIn(folder: () => string) {
  return {
    run: async (day: number, more: Partial<ScriptedRun> = {}): Promise<ScriptedResult> =>
      scriptedRun({
        source: tenDays,
        folder: folder(),
        now: day * DAY,
        commitAfter: {records: 1, milliseconds: 1e9},
        lockTimeout: 100,
        ...more,
      }),
    async expectWhole(days: number): Promise<void> {
      const rows = await query(databaseIn(folder()), 'SELECT external_id, payload FROM raw_objects ORDER BY idem_key')
      const stored = rows.map((row) => [row['external_id'], JSON.parse(String(row['payload'])) as JsonObject])
      const expected = recordsUpTo(days).map((record) => [record.id, {...record}])
      expect(stored.toSorted()).to.deep.equal(expected.toSorted())
    },
  }
}

export async function failureOf(running: Promise<ScriptedResult>): Promise<unknown> {
  const failed = await running.then(
    ({error}) => error,
    (error: unknown) => error,
  )
  expect(failed, 'it ran').to.be.an('error')
  return failed
}

/** What is wrong, and what to do about it. */
export function expectClearError(error: unknown, what: RegExp, next: RegExp): void {
  expect(messageWithCauses(error)).to.match(what)
  expect(error).to.be.instanceOf(LorchestraError)
  expect((error as LorchestraError).next ?? '').to.match(next)
  expect(outcomeOf(error)).to.equal('failed')
}
