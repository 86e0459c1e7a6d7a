import {expect} from 'chai'

import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

describe('requests of a whole run to BigQuery', () => {
  const suite = faultyBigQueryForEachTest()
  for (const fault of ['reset before', 'reset after'] as const) {
    it(`are made until they are answered, and nothing is done twice: ${fault} at each request of a run in turn`, async () => {
      await suite.underTest.run({source: yielding({id: 'a', n: 0}), now: DAY})
      let requests = 0
      for (let broken = 1; broken === 1 || requests >= broken - 1; broken += 1) {
        requests = 0
        suite.service.faults = () => {
          requests += 1
          return requests === broken ? fault : undefined
        }
        const source = yielding({id: 'a', n: broken}, {id: `new-${broken}`})
        const {error, counts} = await suite.underTest.run({source, now: (broken + 1) * DAY, request: {full: true}})
        expect([broken, error, counts.inserted, counts.updated]).to.deep.equal([broken, undefined, 1, 1])
        expect((await suite.underTest.stored()).length).to.equal(broken + 1)
        const completed = (await suite.underTest.logged()).filter(({type}) => type === 'ingestion.completed')
        expect(completed.length).to.equal(broken + 1)
      }
      expect(requests).to.be.greaterThan(10)
      expect((await suite.underTest.tables()).filter((name) => name.startsWith('lorchestra_'))).to.deep.equal([])
    })
  }
})
