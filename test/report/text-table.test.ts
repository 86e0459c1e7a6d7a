import {expect} from 'chai'
import stringWidth from 'string-width'

import {plainScreen, type Screen} from '../../src/base/screen.ts'
import {formatFacts, formatTable, type Column, type Row} from '../../src/report/text-table.ts'

const columns: readonly Column[] = [
  {name: 'JOB', wraps: true},
  {name: 'STARTED'},
  {name: 'INSERTED', align: 'right'},
  {name: 'WINDOW', leaves: 2},
  {name: 'RUN'},
  {name: 'ERROR', wraps: true, leaves: 1},
]
const rows: readonly Row[] = [
  [
    'dataverse_ingest_contacts',
    '3 h ago',
    '1,200',
    '2026-01-01T00:00:00.000Z to 2026-01-02T00:00:00.000Z',
    {text: 'dataverse_ingest_contacts-20260131120000-0a1b2c3d', short: '0a1b2c3d'},
    'the service says 診療所 👩‍👩‍👧 is closed today and for ever and a day',
  ],
  ['notes', '1 d ago', '2', '-', {text: 'notes-20260131120000-ffffffff', short: 'ffffffff'}, ''],
]
const terminal = (width: number): Screen => ({...plainScreen(), columns: width})
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => stringWidth(line)))

describe('a table', () => {
  it('is as wide as a terminal at most, whatever that is', () => {
    for (const width of [40, 60, 80, 100, 120, 160, 200])
      expect(widest(formatTable(columns, rows, terminal(width))), String(width)).to.be.at.most(width)
  })

  it('has every value whole, one line a row, where programs read', () => {
    const lines = formatTable(columns, rows, plainScreen()).split('\n')
    expect(lines).to.have.length(3)
    expect(lines[1]).to.include('dataverse_ingest_contacts-20260131120000-0a1b2c3d').and.include('for ever and a day')
  })

  it('shortens and leaves out what matters least first, and says what it left out', () => {
    const at = (width: number): string => formatTable(columns, rows, terminal(width))
    expect(at(220)).to.include('contacts-20260131120000-0a1b2c3d').and.not.include('Too narrow')
    expect(at(100))
      .to.match(/ 0a1b2c3d +the service/)
      .and.include('Too narrow for WINDOW; --json has all.')
    expect(at(60)).to.include('Too narrow for WINDOW, ERROR; --json has all.')
    expect(at(60)).to.match(/^dataverse_\S+ +3 h ago +1,200 +0a1b2c3d$/m)
  })

  it('puts numbers below each other by their ends', () => {
    expect(formatTable([{name: 'N', align: 'right'}], [['1'], ['1,200']], plainScreen())).to.equal(
      '    N\n    1\n1,200',
    )
  })

  it('stands as columns whatever the script: wide characters and emoji take two places', () => {
    const text = formatTable(
      [{name: 'A'}, {name: 'B'}],
      [
        ['診療所', 'x'],
        ['👩‍👩‍👧', 'x'],
        ['é', 'x'],
      ],
      plainScreen(),
    )
    const places = text.split('\n').map((line) => stringWidth(line.slice(0, line.search(/[xB]$/))))
    expect(new Set(places)).to.deep.equal(new Set([8]))
  })

  it('gives each row lines of its own where its columns cannot fit', () => {
    const text = formatTable(
      [{name: 'id'}, {name: 'payload'}],
      [
        ['1', 'x'.repeat(90)],
        ['2', 'y'],
      ],
      terminal(60),
    )
    expect(widest(text)).to.be.at.most(60)
    expect(text).to.match(/^id +1\npayload +x+\n +x+\n\nid +2\npayload +y$/)
  })

  it('lets no value move the cursor', () => {
    expect(formatTable([{name: 'A'}], [['a\u001B[2J\nb']], plainScreen())).to.equal('A\na [2J b')
  })

  it('paints what a value means, and measures without the colour', () => {
    const painted = {...terminal(60), paint: (meaning: string, text: string) => `<${meaning}>${text}</>`}
    const text = formatTable([{name: 'OUTCOME'}, {name: 'X'}], [[{text: 'failed', means: 'bad'}, 'x']], painted)
    expect(text).to.equal('<quiet>OUTCOME</>  <quiet>X</>\n<bad>failed</>   x')
  })
})

describe('names and values', () => {
  it('go on below themselves on a terminal, and stay one line elsewhere', () => {
    const facts = [['error', 'word '.repeat(30).trim()] as const, ['job', 'notes'] as const]
    expect(widest(formatFacts(facts, terminal(60)))).to.be.at.most(60)
    expect(formatFacts(facts, terminal(60))).to.match(/^error {2}word .*\n {7}word /)
    expect(formatFacts(facts, plainScreen()).split('\n')).to.have.length(2)
  })
})
