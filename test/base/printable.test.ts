import {expect} from 'chai'

import {oneLine} from '../../src/base/errors.ts'
import {printable} from '../../src/base/printable.ts'

describe('a line from outside', () => {
  for (const [what, character] of [
    ['ESC', '\u001B'],
    ['the one-byte CSI', '\u009B'],
    ['DEL', '\u007F'],
    ['a line end', '\n'],
    ['a right-to-left override', '\u202E'],
    ['an isolate', '\u2066'],
  ] as const)
    it(`reaches no terminal with ${what} in it`, () => {
      expect(printable(`before${character}after`)).not.to.contain(character)
      expect(oneLine(`before${character}after`, 100)).not.to.contain(character)
    })

  it('keeps what people write', () => {
    const line = 'Größe: 5 µm · «naïve» 日本語 🙂 {"a": "\\n"}'
    expect(printable(line)).to.equal(line)
  })
})
