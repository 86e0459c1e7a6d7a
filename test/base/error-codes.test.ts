import {readdirSync, readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

import {ERROR_CODES} from '../../src/base/error-codes.ts'

const root = resolve(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'errors.md'), 'utf8')

describe('the codes of errors', () => {
  it('have a section each in docs/errors.md, in the order of the alphabet, and nothing else has one', () => {
    const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title)
    expect(sections).to.deep.equal([...ERROR_CODES])
    expect(sections).to.deep.equal(sections.toSorted())
  })

  it('are explained: each says what it means and what to do', () => {
    for (const section of page.split(/^## /m).slice(1)) {
      const [title, ...text] = section.split('\n')
      expect(text.join(' ').match(/\.(?= |$)/g), title).to.have.length.above(1)
    }
  })

  it('are all in use', () => {
    const texts = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'})
      .filter((file) => file.endsWith('.ts') && !file.endsWith('error-codes.ts'))
      .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
    const unused = ERROR_CODES.filter((code) => !texts.some((text) => text.includes(`'${code}'`)))
    expect(unused).to.deep.equal([])
  })
})
