import {expect} from 'chai'

import {outcomeOf} from '../../src/base/errors.ts'
import {assertDisjointTables, testSetsAmong, testTablesOf, withTestSet} from '../../src/model/tables.ts'

const PRODUCTION = {eventLog: 'event_log', rawObjects: 'raw_objects'}
const outcomeOfThrown = (work: () => unknown): unknown => {
  try {
    work()
    return 'nothing'
  } catch (error) {
    return outcomeOf(error)
  }
}

describe('sets of test tables', () => {
  it('have the names of production’s tables, test_ before them and the name of the set behind them', () => {
    expect(testTablesOf(PRODUCTION)).to.deep.equal({eventLog: 'test_event_log', rawObjects: 'test_raw_objects'})
    expect(testTablesOf(withTestSet({eventLog: 'Log', rawObjects: 'rows'}, 'a1'))).to.deep.equal({
      eventLog: 'test_Log__a1',
      rawObjects: 'test_rows__a1',
    })
  })

  it('are named by 1 to 20 small letters and digits', () => {
    for (const name of ['a', '7', 'x'.repeat(20)]) expect(withTestSet(PRODUCTION, name).testSet).to.equal(name)
    for (const name of ['', 'A', 'a_b', 'a-b', 'x'.repeat(21), 'a`b', 'ä', 'a\n'])
      expect(
        outcomeOfThrown(() => withTestSet(PRODUCTION, name)),
        name,
      ).to.equal('usage')
  })

  it('are found among the names of tables, whatever their case, and nothing else is', () => {
    const names = [
      'event_log',
      'test_raw_objects',
      'test_event_log',
      'test_raw_objects__bob',
      'TEST_EVENT_LOG__alice',
      'test_raw_objects__',
      'test_raw_objects__a_b',
      'test_other__carol',
      'lorchestra_lease_1',
    ]
    expect(testSetsAmong(names, PRODUCTION).map(({testSet}) => testSet)).to.deep.equal([undefined, 'alice', 'bob'])
    const odd = {eventLog: 'log__a', rawObjects: 'rows__a'}
    expect(testSetsAmong(['test_log__a', 'test_rows__a__b'], odd).map(({testSet}) => testSet)).to.deep.equal([
      undefined,
      'b',
    ])
  })

  it('never share a name with production, or with one another', () => {
    for (const [eventLog, rawObjects] of [
      ['log', 'LOG'],
      ['log', 'test_Log'],
      ['test_rows__alice', 'rows'],
      ['rows__alice', 'rows'],
      ['log', 'log__a'],
      ['test_log', 'test_rows'],
    ] as const)
      expect(
        outcomeOfThrown(() => assertDisjointTables({eventLog, rawObjects})),
        `${eventLog}, ${rawObjects}`,
      ).to.equal('usage')
    for (const [eventLog, rawObjects] of [
      ['event_log', 'raw_objects'],
      ['log__a', 'rows__a'],
      ['log', 'log_a'],
      ['log', `log__${'a'.repeat(21)}`],
    ] as const)
      expect(
        outcomeOfThrown(() => assertDisjointTables({eventLog, rawObjects})),
        `${eventLog}, ${rawObjects}`,
      ).to.equal('nothing')
  })
})
