import {DuckDBInstance} from '@duckdb/node-api'
import {expect} from 'chai'

import {IS_PLAIN_JSON} from '../../src/warehouse/plain-json.ts'

describe('JSON that every reader takes', () => {
  const isPlain = async (payload: string): Promise<unknown> => {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    try {
      const reader = await connection.runAndReadAll(`SELECT ${IS_PLAIN_JSON} FROM (SELECT $payload AS payload)`, {
        payload,
      })
      return reader.getRows()[0]?.[0]
    } finally {
      connection.closeSync()
      instance.closeSync()
    }
  }
  const nested = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`

  for (const payload of [
    '{}',
    '{"id":"a","n":-12.5,"list":[1,true,null,"é😀"],"of":{"nothing":{}}}',
    '{"text":"\\u00e9 \\n \\" 1e5 NaN","latitude":67.174118}',
    nested(99),
  ])
    it(`is ${payload.slice(0, 60)}`, async () => expect(await isPlain(payload)).to.equal(true))

  for (const payload of [
    '{"n":1,}',
    '{"list":[1,\t]}',
    '{"n":NaN}',
    '{"n":-Infinity}',
    '{"n":nan}',
    '{"list":[inf]}',
    '{"n":1e5}',
    '{"n":0.30000000000000004}',
    '{"text":"\\ud83d\\uDE00"}',
    '{"text":"\\u0000"}',
    '{n:1}',
    '{"n":01}',
    '{"n":1} {"n":2}',
    nested(100),
    JSON.stringify({text: 'x'.repeat(1_000_000)}),
  ])
    it(`is perhaps not ${payload.slice(0, 60)}`, async () => expect(await isPlain(payload)).to.equal(false))
})
