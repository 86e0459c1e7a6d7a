import {readFileSync} from 'node:fs'
import {join} from 'node:path'

import {expect} from 'chai'
import {parse} from 'yaml'

import {options as schema} from '../src/options/options.ts'
import {presetNamed, presetNames} from '../src/preset.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'rest.md'), 'utf8')

interface Example {
  readonly accounts: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly jobs: Readonly<Record<string, Readonly<Record<string, unknown>> & {readonly account: string}>>
}

const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, yaml = '']) => parse(yaml) as Example)

describe('docs/rest.md', () => {
  it('shows jobs that the source takes', () => {
    expect(examples).to.have.length(2)
    for (const {accounts, jobs} of examples)
      for (const {account, ...job} of Object.values(jobs)) {
        const {source: _source, ...options} = accounts[account] ?? {}
        expect(schema.safeParse({...options, ...job}).error?.issues ?? []).to.deep.equal([])
      }
  })

  it('shows ways of paging that the source takes', () => {
    const shown = [...page.matchAll(/`(\{by: [^`]*\})`/g)].map(([, flow = '']) => parse(flow) as unknown)
    expect(shown).to.have.length.greaterThan(6)
    for (const pages of shown) expect(schema.shape.pages.safeParse(pages).success, JSON.stringify(pages)).to.equal(true)
  })

  it('lists the presets and their streams', () => {
    for (const name of presetNames())
      expect(page).to.contain(`| \`${name}\` | ${Object.keys(presetNamed(name)?.streams ?? {}).join(', ')} |`)
  })
})
