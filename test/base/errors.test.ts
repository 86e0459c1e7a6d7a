import {expect} from 'chai'
import fc from 'fast-check'

import {errorMemberOf, formatError, stacksOf} from '../../src/base/error-output.ts'
import {messageWithCauses, sourceFailure, stopped} from '../../src/base/errors.ts'

describe('what an error says', () => {
  it('is one line of well-formed text that is not too long, whatever was thrown', () => {
    const thrown = fc.oneof(
      fc.anything({withBigInt: true, withNullPrototype: true}),
      fc.string({unit: 'binary'}).map((text) => new Error(text)),
      fc.tuple(fc.string(), fc.anything()).map(([text, cause]) => new Error(text, {cause})),
    )
    fc.assert(
      fc.property(thrown, (what) => {
        const message = messageWithCauses(what)
        expect(message).to.be.a('string').that.is.not.equal('')
        expect(message.isWellFormed() && !/\p{Cc}/u.test(message) && message.length <= 4001).to.equal(true)
      }),
    )
  })

  it('begins with the outermost and tells each cause once', () => {
    const inner = new Error('connection refused')
    expect(messageWithCauses(new Error('it failed', {cause: new Error('to connect', {cause: inner})}))).to.equal(
      'it failed: to connect: connection refused',
    )
    expect(messageWithCauses(new Error('it failed: connection refused', {cause: inner}))).to.equal(
      'it failed: connection refused',
    )
  })

  it('names the first of several errors where the error itself says nothing', () => {
    const none = new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:9')], '')
    expect(messageWithCauses(new Error('fetch failed', {cause: none}))).to.equal(
      'fetch failed: connect ECONNREFUSED 127.0.0.1:9',
    )
  })
})

describe('the code of an error', () => {
  const shown = (text: string): string => text

  it('is there for errors that lorchestra does not know, on the screen and in a document', () => {
    const error = new Error('out of ink')
    expect(formatError(error)).to.deep.equal(['Error: out of ink [E_UNEXPECTED]'])
    expect(errorMemberOf(error, shown)).to.deep.equal({
      outcome: 'failed',
      code: 'E_UNEXPECTED',
      message: 'out of ink',
    })
  })

  it('says that a source failed, in the words of the source and with the place where it did', () => {
    const thrown = new Error('the diary is locked', {cause: new Error('no key')})
    const error = sourceFailure(thrown)
    expect(error.code).to.equal('E_SOURCE_FAILED')
    expect(messageWithCauses(error)).to.equal(messageWithCauses(thrown))
    expect(stacksOf(error)).to.include(thrown.stack)
  })

  it('is not changed by the source that an error of lorchestra came through', () => {
    const error = stopped('SIGINT')
    expect(sourceFailure(error)).to.equal(error)
  })
})
