import {mkdir, truncate} from 'node:fs/promises'
import {join} from 'node:path'

import {DuckDBInstance} from '@duckdb/node-api'
import {expect} from 'chai'

import {folderForEachTest} from '../../../test/support/folder.ts'
import {readFiles, rest, writeFiles} from './folder-of-files.ts'

const OPTIONS = {path: 'in/*.parquet', key: 'id'}

describe('Parquet files', () => {
  const folder = folderForEachTest()

  /** Has DuckDB write them. */
  async function write(name: string, select: string, options = ''): Promise<string> {
    await mkdir(join(folder(), 'in'), {recursive: true})
    const path = join(folder(), 'in', name)
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet${options})`)
    connection.closeSync()
    instance.closeSync()
    await rest(path)
    return path
  }

  it('give every value without loss', async () => {
    await write(
      'a.parquet',
      `SELECT 9007199254740993::BIGINT AS id, 18446744073709551615::UBIGINT AS u, -1.25::DECIMAL(18,4) AS price,
        12345678901234567890.123456::DECIMAL(38,6) AS wide, 0.1::DOUBLE AS d, 'NaN'::DOUBLE AS nan, 'ü' AS text,
        '\\x00\\xFF'::BLOB AS bytes, DATE '2026-01-02' AS day, TIMESTAMP '2026-01-02 03:04:05.123456' AS local,
        TIMESTAMPTZ '1969-12-31 23:59:59.5+00' AS instant, NULL::INT AS nothing, true AS yes, [1.10::DECIMAL(5,2), NULL] AS list,
        {'a': 1, 'b': {'c': 2.50::DECIMAL(5,2)}} AS struct, MAP {'k': 9007199254740993} AS map,
        '{"n": 12345678901234567890}'::JSON AS json`,
    )
    const {records, keys} = await readFiles(folder(), OPTIONS)
    expect(keys).to.deep.equal(['9007199254740993'])
    expect(JSON.stringify(records[0])).to.equal(
      '{"id":9007199254740993,"u":18446744073709551615,"price":-1.25,"wide":12345678901234567890.123456,"d":0.1,"nan":"NaN","text":"ü",' +
        '"bytes":"AP8=","day":"2026-01-02","local":"2026-01-02T03:04:05.123456","instant":"1969-12-31T23:59:59.5Z","nothing":null,' +
        '"yes":true,"list":[1.1,null],"struct":{"a":1,"b":{"c":2.5}},"map":{"k":9007199254740993},"json":{"n":12345678901234567890}}',
    )
  })

  for (const compression of ['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw'])
    it(`are read where they are packed with ${compression}, and go on from each checkpoint`, async () => {
      const rows = "SELECT i AS id, 'row ' || i AS text FROM range(12000) t(i)"
      await write('a.parquet', rows, `, COMPRESSION ${compression}, ROW_GROUP_SIZE 4096`)
      const {keys, pages} = await readFiles(folder(), OPTIONS)
      expect(new Set(keys).size).to.equal(12_000)
      const kept = pages.findIndex(({checkpoint}) => checkpoint)
      const {bookmark} = await readFiles(folder(), OPTIONS, {pages: kept + 1})
      const others = await readFiles(folder(), OPTIONS, {...(bookmark !== undefined && {bookmark})})
      expect(others.keys.length).to.equal(12_000 - (pages[kept]?.records.length ?? 0))
    })

  it('are rejected by name where they are torn, or none', async () => {
    const path = await write('a.parquet', 'SELECT i AS id FROM range(1000) t(i)')
    await truncate(path, 200)
    await rest(path)
    await writeFiles(folder(), {'in/b.parquet': 'id\n1\n', 'in/c.parquet': ''})
    const {keys, rejected} = await readFiles(folder(), OPTIONS)
    expect(keys).to.deep.equal([])
    expect(rejected).to.deep.equal(
      ['a', 'b', 'c'].map((name) => `in/${name}.parquet:1 it is no Parquet file that can be read, or is damaged`),
    )
  })
})
