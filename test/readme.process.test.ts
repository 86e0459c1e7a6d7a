import {readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

import {parseExactly} from '../src/base/exact-json.ts'
import type {JsonObject} from '../src/source.ts'
import {compiledSources} from './support/compiled-sources.ts'

const readme = readFileSync(join(resolve(import.meta.dirname, '..'), 'README.md'), 'utf8')

describe('the README', () => {
  it('shows a source that compiles against the contract, as strictly as can be, and keys ids of any length', async () => {
    const [, source] = /^```ts\n(.*?)^```/ms.exec(readme) ?? []
    const [notes, ...others] = await compiledSources([source ?? ''])
    expect(others).to.deep.equal([])
    const stream = {objectType: 'note', sourceSystem: 'notes'}
    const keyOf = (json: string): string | undefined => notes?.idemKey(parseExactly(json) as JsonObject, stream)
    expect(keyOf('{"id": "n1"}')).to.equal('note:notes:n1')
    expect(keyOf('{"id": 12345678901234567}')).to.equal('note:notes:12345678901234567')
    expect(keyOf('{"id": 98765432109876543210}')).to.equal('note:notes:98765432109876543210')
    expect(() => keyOf('{}')).to.throw('the note has no id')
  })
})
