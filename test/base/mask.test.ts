import {expect} from 'chai'
import fc from 'fast-check'

import {createMask} from '../../src/base/mask.ts'
import {pastedSecrets, WAYS_TO_WRITE} from '../support/pasted-secrets.ts'

describe('a secret', () => {
  for (const [way, write] of Object.entries(WAYS_TO_WRITE))
    it(`is hidden ${way}`, () => {
      fc.assert(
        fc.property(pastedSecrets, (secret) => {
          const mask = createMask()
          mask.add(secret)
          const shown = mask.apply(write(secret))
          const written = write(secret)
          expect(shown).to.contain('***')
          expect(shown.length).to.be.lessThan(written.length)
          expect(shown).not.to.contain(secret)
        }),
        {numRuns: 300},
      )
    })

  it('of several lines is hidden line by line, too', () => {
    const mask = createMask()
    mask.add('-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n')
    expect(mask.apply('it began with MIIEvQIBADANBg')).to.equal('it began with ***')
  })

  it('that another one begins with does not leave the end of the longer', () => {
    const mask = createMask()
    mask.add('abcdefgh')
    mask.add('abcdefghijkl')
    expect(mask.apply('token abcdefghijkl')).to.equal('token ***')
  })

  it('of three characters or fewer is left in, for it would hide ordinary words', () => {
    const mask = createMask()
    mask.add('the')
    expect(mask.apply('the end')).to.equal('the end')
  })
})
