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
})
