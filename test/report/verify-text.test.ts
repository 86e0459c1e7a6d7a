import {expect} from 'chai'

import {exitCodeOfVerdict, formatVerification} from '../../src/report/verify-text.ts'
import type {Verification} from '../../src/run/verify-job.ts'

const SAME: Verification = {
  windows: [{since: Date.UTC(2026, 0, 1), until: Date.UTC(2026, 0, 31)}],
  records: 50,
  isWhole: false,
  readings: 2,
  differing: [],
  renamed: [],
  shared: [],
  unstable: [],
  unstableRecords: 0,
  meanwhile: {changed: [], gone: [], added: []},
  duplicates: 0,
  rejected: 0,
}
const told = (found: Verification): string =>
  formatVerification('job', found, (text) => text.replaceAll('hunter2', '***'))

describe('what verify tells', () => {
  it('says of a stable source how far it was read, and ends with 0', () => {
    expect(told(SAME).split('\n')).to.deep.equal([
      '✓ job: 50 records read twice: the same 50 keys, the same payloads',
      '  these are the first 50 of 2026-01-01T00:00:00.000Z to 2026-01-31T00:00:00.000Z; what comes after them was not read',
    ])
    expect(exitCodeOfVerdict(SAME)).to.equal(0)
  })

  it('says of unstable fields how many rows a second run would update, and ends with 3', () => {
    const unstable: Verification = {
      ...SAME,
      readings: 3,
      unstable: [{path: '/historyId', records: 50}],
      unstableRecords: 50,
    }
    expect(told(unstable)).to.include(
      '✗ job: 50 records read three times: the same 50 keys, the same payloads except for 1',
    )
    expect(told(unstable)).to.include('/historyId is another one each time in 50 records')
    expect(told(unstable)).to.include('a second run that reads them again would update 50 rows each time')
    expect(exitCodeOfVerdict(unstable)).to.equal(3)
  })

  it('ends with 1 where keys differ, whatever else is so, and shows no secret and no control character', () => {
    const differing: Verification = {...SAME, unstableRecords: 1, differing: ['thing:a:hunter2\u001B[2J']}
    expect(told(differing)).to.include('✗ job').and.include('thing:a:***').and.not.include('\u001B')
    expect(exitCodeOfVerdict(differing)).to.equal(1)
    expect(exitCodeOfVerdict({...SAME, shared: ['thing:a:1']})).to.equal(1)
  })

  it('does not call a source stable of which nothing was read', () => {
    const nothing: Verification = {...SAME, records: 0, isWhole: true}
    expect(told(nothing)).to.include('no records were read, so nothing was compared').and.not.include('✓')
  })

  it('names what was changed meanwhile, and ends with 0', () => {
    const changed = [{idemKey: 'thing:a:1', paths: ['/text']}]
    const meanwhile: Verification = {...SAME, readings: 3, meanwhile: {changed, gone: ['thing:a:2'], added: []}}
    expect(told(meanwhile)).to.include('thing:a:1 was changed meanwhile: /text')
    expect(told(meanwhile)).to.include('thing:a:2 was gone at the second reading')
    expect(exitCodeOfVerdict(meanwhile)).to.equal(0)
  })
})
