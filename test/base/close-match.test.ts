import {expect} from 'chai'

import {adviseOn, closeMatch} from '../../src/base/close-match.ts'

describe('a misspelt name', () => {
  it('is answered with the closest one', () => {
    expect(closeMatch('qurey', ['entity', 'query', 'queries'])).to.equal('query')
    expect(closeMatch('Mail', ['mail'])).to.equal('mail')
    expect(closeMatch('gmail_ingest_acct', ['gmail_ingest_acct1', 'dataverse_ingest_contacts'])).to.equal(
      'gmail_ingest_acct1',
    )
  })

  it('is not answered with something else entirely', () => {
    expect(closeMatch('mail', ['contacts', 'x'])).to.equal(undefined)
    expect(closeMatch('mail', [])).to.equal(undefined)
  })

  it('is answered with all there is where nothing is close', () => {
    expect(adviseOn('mail', ['contacts', 'notes'], 'Nothing.')).to.equal('There is: contacts, notes.')
    expect(adviseOn('mail', [], 'Nothing.')).to.equal('Nothing.')
  })
})
