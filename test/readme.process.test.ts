import {readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

import {compiledSources} from './support/compiled-sources.ts'

const readme = readFileSync(join(resolve(import.meta.dirname, '..'), 'README.md'), 'utf8')

describe('the README', () => {
  it('shows a source that compiles against the contract, as strictly as can be', async () => {
    const [, source] = /^```ts\n(.*?)^```/ms.exec(readme) ?? []
    expect(await compiledSources([source ?? ''])).to.have.length(1)
  })
})
