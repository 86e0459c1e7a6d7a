import {expect} from 'chai'

import {startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {statementIn} from '../../support/bigquery/stub/statement.ts'
import {startStub, type Rule, type Stub} from '../../support/bigquery/stub/server.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const MB = 1024 * 1024
const STREAM = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
const key = (id: string): string => `thing:scripted--acct1:${id}`

describe('which keys are known to BigQuery', () => {
  const folder = folderForEachTest()
  let allKeysCost = 0
  const asked: string[] = []
  const prices: Rule = {
    async answer(request, forward) {
      const sent = statementIn(request)
      const {dryRun = false} = (request.json as {configuration?: {dryRun?: boolean}} | undefined)?.configuration ?? {}
      if (sent?.sql.includes('SELECT idem_key') === true || sent?.sql.includes('SELECT DISTINCT idem_key') === true)
        asked.push(dryRun ? 'price' : sent.sql.includes('SPLIT(@idem_keys') ? 'listed' : 'all')
      if (!dryRun) return forward()
      return {status: 200, json: {statistics: {totalBytesProcessed: String(allKeysCost)}}}
    },
  }
  let emulator: Emulator
  let stub: Stub
  let underTest: BigQueryUnderTest
  before(async () => {
    emulator = await startEmulator()
    stub = await startStub(emulator.url, [prices])
  })
  after(async () => {
    await stub.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    underTest = await bigQueryUnderTest({emulator, folder: folder(), endpoint: stub.url})
    await underTest.createProduction()
    await underTest.run({source: yielding({id: 'a'}, {id: 'b'}), now: DAY})
    asked.splice(0)
  })
  const open = async () => underTest.open().indexKeys(PRODUCTION, [STREAM], folder())

  it('asks for the listed keys alone, as long as all of them would bill more than the questions did', async () => {
    allKeysCost = 35 * MB
    const index = await open()
    const foreign = ['note:scripted--acct1:a', 'thing:scripted--acct2:a', "'"]
    const answers = [
      await index.has([key('b'), key('none'), ...foreign]),
      await index.has([]),
      await index.has([key('a'), key('a'), key('b')]),
      await index.has([key('none')]),
    ]
    expect(answers.map((answer) => [...answer].toSorted())).to.deep.equal([[key('b')], [], [key('a'), key('b')], []])
    expect(asked).to.deep.equal(['price', 'listed', 'listed', 'listed'])
    expect([...(await index.has([key('a'), key('none')]))]).to.deep.equal([key('a')])
    expect([...(await index.has([key('b')]))]).to.deep.equal([key('b')])
    expect(asked).to.deep.equal(['price', 'listed', 'listed', 'listed', 'all'])
    index.close()
  })

  it('asks for more keys than a statement names by one parameter, and finds the first and the last of them', async () => {
    allKeysCost = 35 * MB
    const index = await open()
    const many = Array.from({length: 20_000}, (_, place) => key(`none ${place}`))
    expect([...(await index.has([...many, key('a'), key('b')]))].toSorted()).to.deep.equal([key('a'), key('b')])
    expect(asked).to.deep.equal(['price', 'listed'])
    index.close()
  })

  it('reads all keys at once where that bills no more than a question', async () => {
    allKeysCost = MB
    const index = await open()
    expect([...(await index.has([key('a'), key('none')]))]).to.deep.equal([key('a')])
    expect(asked).to.deep.equal(['price', 'all'])
    index.close()
  })
})
