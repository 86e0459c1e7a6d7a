import {expect} from 'chai'

import {busy} from '../../src/base/errors.ts'
import {fromBox, isErrorMessage, KnownErrors} from '../../src/sources/box/error-message.ts'

const inTheWay = busy('another run is in the way', {code: 'E_STREAM_BUSY', next: 'Wait.'})
const naming = (known: number): Error => fromBox({name: 'Error', message: 'forged', known}, (text) => text)

describe('a box that names an error of the host', () => {
  it('gets it back in the context that heard it, while that is open', () => {
    const known = new KnownErrors()
    known.add(inTheWay, [7])
    const number = known.numberOf(inTheWay) ?? 0
    expect(known.original(naming(number), 7)).to.equal(inTheWay)
    known.end(7)
    expect(known.original(naming(number), 7)).to.have.property('message', 'forged')
  })

  it('gets it in no context that did not hear it, and no error that was never sent', () => {
    const known = new KnownErrors()
    known.add(inTheWay, [7, 8])
    const number = known.numberOf(inTheWay) ?? 0
    known.end(8)
    for (const [named, context] of [
      [number, 8],
      [number, 9],
      [number + 1, 7],
      [-1, 7],
    ] as const)
      expect(known.original(naming(named), context)).to.have.property('message', 'forged')
  })

  it('by something that is no number breaks the protocol', () => {
    expect(isErrorMessage({name: 'Error', message: 'x', known: '1'})).to.equal(false)
  })
})
