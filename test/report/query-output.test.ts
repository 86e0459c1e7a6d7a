import {expect} from 'chai'

import {LorchestraError} from '../../src/base/errors.ts'
import {plainScreen} from '../../src/base/screen.ts'
import {gatherRows, printCsv, printTable, type QueryOutput} from '../../src/report/query-output.ts'
import type {AdHocAnswer, AdHocRow} from '../../src/warehouse/ad-hoc-query.ts'

const answer = (names: readonly string[], ...pages: readonly (readonly AdHocRow[])[]): AdHocAnswer => ({
  columns: names.map((name) => ({name, type: 'VARCHAR'})),
  pages: (async function* () {
    yield* await Promise.resolve(pages)
  })(),
})

const paper = (limit = 1000): {readonly output: QueryOutput; readonly text: () => string} => {
  const printed: string[] = []
  return {
    output: {
      limit,
      screen: plainScreen(),
      mask: (text) => text.replaceAll('hunter2', '***'),
      print: (text) => Promise.resolve(printed.push(text) > 0),
    },
    text: () => printed.join(''),
  }
}

describe('the table of a query', () => {
  it('has a line for each row, and lets no value act on the terminal', async () => {
    const {output, text} = paper()
    const rows = [
      ['a', '\u001B[2J\u202Egnp', null],
      ['b', 'one\ntwo', {x: [1]}],
    ]
    await printTable(answer(['id', 'text\u0007', 'more'], rows), output)
    const cells = text()
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/))
    expect(cells).to.deep.equal([
      ['id', String.raw`text\u0007`, 'more'],
      ['a', String.raw`\u001b[2J\u202egnp`, 'NULL'],
      ['b', String.raw`one\u000atwo`, '{"x":[1]}'],
    ])
  })

  it('cuts what is long, after secrets were masked, and says so', async () => {
    const {output, text} = paper()
    const {cutValues} = await printTable(answer(['text'], [[`${'x'.repeat(76)}hunter2`]], [['y'.repeat(500)]]), output)
    expect(cutValues).to.equal(true)
    expect(text())
      .to.include(`${'x'.repeat(76)}***\n`)
      .and.not.include('hun')
    expect(
      Math.max(
        ...text()
          .split('\n')
          .map((line) => line.length),
      ),
    ).to.equal(80)
  })

  it('shows no more rows than the limit, and says that there are more', async () => {
    const {output, text} = paper(3)
    const printed = await printTable(answer(['n'], [[1], [2]], [[3], [4]]), output)
    expect(printed).to.include({rows: 3, moreRows: true})
    expect(text()).to.not.include('4')
    expect(await printTable(answer(['n'], [[1], [2], [3]]), output)).to.include({rows: 3, moreRows: false})
  })

  it('has a header also where there is no row', async () => {
    const {output, text} = paper()
    await printTable(answer(['id', 'text'], []), output)
    expect(text()).to.equal('id  text\n')
  })
})

describe('the CSV of a query', () => {
  const rows = [
    ['a', 'plain', null, ''],
    ['b', 'with "quotes", and\na line', 5, true],
  ]

  it('is RFC 4180: nothing is empty, an empty text is quoted', async () => {
    const {output, text} = paper()
    await printCsv(answer(['id', 'text', 'n,m', 'x'], rows), output)
    expect(text()).to.equal('id,text,"n,m",x\na,plain,,""\nb,"with ""quotes"", and\na line",5,true\n')
  })

  it('shows codes where a terminal is the reader, and every character where it is a program', async () => {
    const [seen, exact] = [paper(), paper()]
    const evil = [['\u001B[2J']]
    await printCsv(answer(['id'], evil), {...seen.output, screen: {...plainScreen(), columns: 80}})
    await printCsv(answer(['id'], evil), exact.output)
    expect([seen.text(), exact.text()]).to.deep.equal(['id\n\\u001b[2J\n', 'id\n\u001B[2J\n'])
  })

  it('ends quietly where nobody reads any more', async () => {
    let pages = 0
    const endless: AdHocAnswer = {
      columns: [{name: 'n', type: 'BIGINT'}],
      pages: (async function* () {
        for (;;) yield await Promise.resolve([[(pages += 1)]])
      })(),
    }
    const print = (): Promise<boolean> => Promise.resolve(pages < 3)
    await printCsv(endless, {limit: 1e9, mask: (text) => text, print, screen: plainScreen()})
    expect(pages).to.equal(3)
  })
})

describe('the document of a query', () => {
  it('is refused where it would not fit into memory', async () => {
    const page = [['x'.repeat(1024 * 1024)]]
    const pages = Array.from({length: 70}, () => page)
    const error: unknown = await gatherRows(answer(['text'], ...pages), 1000).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(LorchestraError)
    expect((error as LorchestraError).code).to.equal('E_QUERY_TOO_LARGE')
  })
})
