import assert from 'node:assert/strict'
import {resolve} from 'node:path'
import {describe, it} from 'node:test'

import {conformanceTests} from 'lorchestra/testing'

import source from '../src/source.ts'
import {itemsOf, startService, TOKEN} from './service.ts'

describe('the example source', () => {
  it('keys an item by its id', () => {
    const stream = {sourceSystem: 'example--local', objectType: 'item'}
    assert.equal(source.idemKey({id: 'item-1'}, stream), 'item:example--local:item-1')
    assert.throws(() => source.idemKey({}, stream), /no id/)
  })

  const tests = conformanceTests({
    source,
    package: resolve(import.meta.dirname, '..'),
    service: async (volume) => {
      const running = await startService(itemsOf(volume))
      return {...running, options: (url) => ({url, token: TOKEN})}
    },
    timeOf: (record) => new Date(record['updated_at'] as string),
  })
  for (const {rule, test} of tests) it(rule, test)
})
