import {expect} from 'chai'

import {exitCodeOfDifference, formatReconciled, reconcileDocumentOf} from '../../src/report/reconcile-text.ts'
import {narrowingIn} from '../../src/run/reconcile-request.ts'
import type {Source} from '../../src/source.ts'
import type {ComparedKeys} from '../../src/warehouse/stored-keys.ts'

const NONE = {count: 0, keys: []}
const GONE: ComparedKeys = {
  listed: 500,
  stored: 503,
  gone: {count: 3, keys: ['a:b:1', 'a:b:2', 'a:b:3']},
  untold: 2,
  missing: NONE,
}
const NEW: ComparedKeys = {...GONE, gone: NONE, untold: 0, missing: {count: 1, keys: ['a:b:hunter2']}}
const masked = (text: string): string => text.replaceAll('hunter2', '***')

describe('what reconcile tells', () => {
  it('says how many keys each side has, and which one side alone', () => {
    expect(formatReconciled(GONE, {job: 'job', hasStart: false}, masked).split('\n')).to.deep.equal([
      'job: 500 listed, 503 stored: 3 gone at the source, 0 missing',
      '  - a:b:1',
      '  - a:b:2',
      '  - a:b:3',
      '  the rows of what is gone stay as they are',
      '  2 of it is not logged as deleted yet: --write',
    ])
    expect(formatReconciled(NEW, {job: 'job', hasStart: false}, masked))
      .to.include('+ a:b:***')
      .and.include('1 missing')
  })

  it('calls nothing missing where the job has a start, and ends with 5 for differences alone', () => {
    const [whole, started] = [
      {job: 'job', hasStart: false},
      {job: 'job', hasStart: true},
    ]
    expect(formatReconciled(NEW, started, masked))
      .to.include('what is missing cannot be told')
      .and.not.include('+')
    expect(reconcileDocumentOf(NEW, started)).to.deep.include({missing: null})
    expect([GONE, NEW, {...GONE, untold: 0}].map((each) => exitCodeOfDifference(each, whole))).to.deep.equal([5, 5, 0])
    expect([GONE, NEW].map((each) => exitCodeOfDifference(each, started))).to.deep.equal([5, 0])
  })

  it('says what was logged as deleted, or would be, and what was there again', () => {
    const logged = {...GONE, deleted: {count: 1, keys: ['a:b:1']}, runId: 'job-1'}
    const lines = ['  1 of it was there again in the second list', '  1 of it was logged as deleted before']
    const context = {job: 'job', hasStart: false}
    expect(formatReconciled(logged, context, masked).split('\n').slice(4)).to.deep.equal([
      ...lines,
      '  1 logged as deleted by run job-1; rows stay as they are',
    ])
    expect(
      formatReconciled({...logged, runId: undefined}, context, masked)
        .split('\n')
        .slice(4),
    ).to.deep.equal([...lines, '  1 would be logged as deleted; rows stay as they are'])
    expect(reconcileDocumentOf(logged, context)).to.deep.include({
      not_marked: 2,
      marked: {run_id: 'job-1', count: 1, keys: ['a:b:1']},
    })
    expect(reconcileDocumentOf(GONE, context)).to.deep.include({marked: null})
  })

  it('takes each option that selects for one that may leave records out, but for those that every job has', () => {
    const jsonSchema = {input: () => ({type: 'object', required: ['entity']})}
    const standard = {version: 1, vendor: 'test', validate: (value: unknown) => ({value}), jsonSchema} as const
    const options = {'~standard': standard} as unknown as Source['options']
    const source = {options, selection: ['entity', 'filter', 'query']}
    expect(narrowingIn({entity: 'contact', format: 'raw'}, source)).to.deep.equal([])
    expect(narrowingIn({entity: 'contact', filter: 'a eq 1'}, source)).to.deep.equal(['filter'])
    const telling = {...source, narrowing: ['filter']}
    expect(narrowingIn({entity: 'contact', filter: 'a eq 1', query: 'b'}, telling)).to.deep.equal(['filter'])
  })
})
