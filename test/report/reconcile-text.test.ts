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
  missing: NONE,
}
const NEW: ComparedKeys = {...GONE, gone: NONE, missing: {count: 1, keys: ['a:b:hunter2']}}
const masked = (text: string): string => text.replaceAll('hunter2', '***')

describe('what reconcile tells', () => {
  it('says how many keys each side has, and which one side alone', () => {
    expect(formatReconciled(GONE, {job: 'job', hasStart: false}, masked).split('\n')).to.deep.equal([
      'job: 500 listed, 503 stored: 3 gone at the source, 0 missing',
      '  - a:b:1',
      '  - a:b:2',
      '  - a:b:3',
      '  the rows of what is gone stay as they are',
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
    expect([GONE, NEW, {...GONE, gone: NONE}].map((each) => exitCodeOfDifference(each, whole))).to.deep.equal([5, 5, 0])
    expect([GONE, NEW].map((each) => exitCodeOfDifference(each, started))).to.deep.equal([5, 0])
  })

  it('takes each option that selects for one that may leave records out, but for those that every job has', () => {
    const jsonSchema = {input: () => ({type: 'object', required: ['entity']})}
    const standard = {version: 1, vendor: 'test', validate: (value: unknown) => ({value}), jsonSchema} as const
    const options = {'~standard': standard} as unknown as Source['options']
    const source = {options, selection: ['entity', 'filter', 'query']}
    expect(narrowingIn({entity: 'contact', format: 'raw'}, source)).to.deep.equal([])
    expect(narrowingIn({entity: 'contact', filter: 'a eq 1'}, source)).to.deep.equal(['filter'])
  })
})
