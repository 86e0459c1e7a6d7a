import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {gzipSync} from 'node:zlib'

import {conformanceTests} from 'lorchestra/testing'

import source from '../src/source.ts'
import {writeFiles} from './folder-of-files.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const FILES = 4

interface Row {
  readonly id: string
  readonly at: string
  readonly text: string
}

interface Variant {
  readonly title: string
  readonly ending: string
  readonly options: object
  readonly write: (rows: readonly Row[]) => string | Uint8Array
}

const csv = (rows: readonly Row[]): string =>
  `id,at,text\n${rows.map(({id, at, text}) => `${id},${at},"${text}"\n`).join('')}`
const lines = (rows: readonly Row[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

const mail = (rows: readonly Row[]): string =>
  rows
    .map(({id, text}) => {
      const number = 10n ** 17n + BigInt(id.slice('row '.length))
      return `From ${number}@xxx Thu Jan 01 00:00:00 +0000 2026\r\nSubject: ${id}\r\n\r\n${text}\r\n\r\n`
    })
    .join('')

const VARIANTS: readonly Variant[] = [
  {title: 'mail of Takeout', ending: 'mbox', options: {}, write: mail},
  {title: 'JSON', ending: 'json', options: {key: ['id']}, write: (rows) => JSON.stringify(rows, undefined, 2)},
  {title: 'CSV', ending: 'csv', options: {key: ['id']}, write: csv},
  {
    title: 'packed JSON lines',
    ending: 'jsonl.gz',
    options: {key: 'content', window: {column: 'at'}},
    write: (rows) => gzipSync(lines(rows)),
  },
]

for (const {title, ending, options, write} of VARIANTS) {
  describe(`the files source, reading ${title}`, () => {
    const tests = conformanceTests({
      source,
      package: resolve(import.meta.dirname, '..'),
      timeOf: ({at}) => new Date(String(at)),
      service: async ({records, size}) => {
        const folder = await mkdtemp(join(tmpdir(), 'lorchestra-files-'))
        const rows = Array.from({length: records}, (_none, index) => ({
          id: `row ${index}`,
          at: new Date(START + index * 1000).toISOString(),
          text: `${index} `.padEnd(size, 'one, …\n'),
        }))
        const part = Math.ceil(records / FILES)
        for (let index = 0; index < FILES; index += 1)
          await writeFiles(folder, {[`${index}.${ending}`]: write(rows.slice(index * part, (index + 1) * part))})
        return {
          options: () => ({path: join(folder, `*.${ending}`), ...options}),
          close: async () => rm(folder, {recursive: true}),
        }
      },
    })
    for (const {rule, test} of tests) it(rule, test)
  })
}
