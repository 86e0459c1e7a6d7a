import {readdirSync, readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

const src = resolve(import.meta.dirname, '..', '..', 'src')
const IMPORT = /^import (?!type\b).*from '.*(?:\/documents\/|-document\.ts)[^']*'/m

describe('the schemas of documents', () => {
  it('are imported for their types alone, so that no command waits for them', () => {
    const importing = readdirSync(src, {recursive: true, encoding: 'utf8'})
      .filter((file) => file.endsWith('.ts') && !file.includes('report/documents'))
      .filter((file) => IMPORT.test(readFileSync(join(src, file), 'utf8')))
    expect(importing).to.deep.equal([])
  })

  it('would be found where they are not', () => {
    expect("import {runDocument} from './documents/run.ts'").to.match(IMPORT)
    expect("import {errorDocument} from '../base/error-document.ts'").to.match(IMPORT)
    expect("import type {RunDocument} from './documents/run.ts'").not.to.match(IMPORT)
  })
})
