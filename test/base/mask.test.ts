import {expect} from 'chai'
import fc from 'fast-check'

import {createMask} from '../../src/base/mask.ts'
import {oneLine} from '../../src/base/errors.ts'

/** Secrets as services give them, and as they are pasted: with line ends, quotes, backslashes and blanks. */
const secrets = fc
  .oneof(
    fc.string({minLength: 12, maxLength: 60, unit: 'binary'}),
    fc.stringMatching(/^[A-Za-z0-9+/_.~-]{12,60}$/),
    fc
      .array(fc.stringMatching(/^[A-Za-z0-9+/]{16,64}$/), {minLength: 2, maxLength: 5})
      .map((lines) => lines.join('\n')),
  )
  // What is but blanks, or one character again and again, stands in ordinary text.
  .filter((secret) => secret.isWellFormed() && new Set(oneLine(secret, 100).replaceAll(' ', '')).size >= 6)

const ways: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => secret,
  'in a line of an error': (secret) => oneLine(`refused with ${secret}!`, 10_000),
  'as JSON': (secret) => JSON.stringify({token: secret}),
  'as JSON within JSON': (secret) => JSON.stringify({body: JSON.stringify({token: secret})}),
  'in an address': (secret) => `https://host/?token=${encodeURIComponent(secret)}`,
  'in a form': (secret) => new URLSearchParams({token: secret}).toString(),
  'as base64': (secret) => Buffer.from(secret).toString('base64'),
  'as base64 for an address': (secret) => Buffer.from(secret).toString('base64url'),
  'in basic authorization': (secret) => `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`,
  'in basic authorization of a longer name': (secret) => Buffer.from(`user1:${secret}:x`).toString('base64'),
}

describe('a secret', () => {
  for (const [way, write] of Object.entries(ways))
    it(`is hidden ${way}`, () => {
      fc.assert(
        fc.property(secrets, (secret) => {
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
