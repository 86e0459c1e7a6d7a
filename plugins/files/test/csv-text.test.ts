import {expect} from 'chai'
import {parse} from 'csv-parse/sync'
import fc from 'fast-check'

import {CsvText} from '../src/csv-text.ts'

const SHAPE = {delimiter: ',', quote: '"'}

function rowsIn(text: string): readonly (readonly string[])[] {
  const csv = new CsvText(text, SHAPE)
  const rows: (readonly string[])[] = []
  for (let step = csv.next(); step !== 'end'; step = csv.next()) {
    if (step === 'open' || csv.problem !== undefined) throw new Error('there is a field that is none')
    rows.push(csv.fields)
  }
  return rows
}

describe('CSV text', () => {
  const field = fc.string({unit: fc.constantFrom('a', 'ü', ',', '"', '\n', '\r\n', ' ', ';', '')})
  const written = (value: string, quoted: boolean): string =>
    quoted || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value

  it('has the fields that csv-parse finds in it', () => {
    const table = fc.array(fc.array(fc.tuple(field, fc.boolean()), {minLength: 2, maxLength: 5}), {maxLength: 8})
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), (rows, end) => {
        const text = rows.map((row) => row.map(([value, quoted]) => written(value, quoted)).join(',') + end).join('')
        const expected = parse(text, {relax_column_count: true, record_delimiter: ['\r\n', '\n']})
        expect(rowsIn(text)).to.deep.equal(expected)
        expect(rowsIn(text)).to.deep.equal(rows.map((row) => row.map(([value]) => value)))
      }),
      {numRuns: 2000},
    )
  })
})
