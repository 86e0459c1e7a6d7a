import {expect} from 'chai'

import {columnsOf, paintMarks} from '../../src/base/screen.ts'

describe('a screen', () => {
  it('is 80 columns wide where a terminal does not know', () => {
    expect([columnsOf({columns: 0}), columnsOf({}), columnsOf({columns: 60})]).to.deep.equal([80, 80, 60])
  })

  it('paints the marks that lines begin with, and nothing within them', () => {
    const paint = (meaning: string, text: string): string => `<${meaning}>${text}</>`
    expect(paintMarks('✓ notes: 1 ✓ inserted\n✗ b: closed\n[TEST] c: done\n=== DRY RUN MODE === (x)', paint)).to.equal(
      '<good>✓</> notes: 1 ✓ inserted\n<bad>✗</> b: closed\n<active>[TEST]</> c: done\n<warning>=== DRY RUN MODE ===</> (x)',
    )
  })

  it('paints what a diff adds, changes and takes away', () => {
    const paint = (meaning: string, text: string): string => `<${meaning}>${text}</>`
    const diff = [
      '  the 2 updates change   /title 2',
      '  ~ note:a:1 (last seen 2026-01-01T00:00:00.000Z)',
      '      replace /title   "old - old" → "new + new"',
      '      add /tags   ["a"]',
      '      remove /draft   true',
      '  + note:a:2  {"title":"~ two"}',
      '  - note:a:3',
      '    - no mark of a diff',
    ]
    expect(paintMarks(diff.join('\n'), paint).split('\n')).to.deep.equal([
      '  the 2 updates change   /title 2',
      '<warning>  ~ note:a:1</> (last seen 2026-01-01T00:00:00.000Z)',
      '      replace /title   <bad>"old - old"</> → <good>"new + new"</>',
      '      add /tags   <good>["a"]</>',
      '      remove /draft   <bad>true</>',
      '<good>  + note:a:2</>  {"title":"~ two"}',
      '<bad>  - note:a:3</>',
      '    - no mark of a diff',
    ])
  })
})
