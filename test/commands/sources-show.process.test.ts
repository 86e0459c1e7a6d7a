import {expect} from 'chai'

import {homeOfTest, lorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {hookOf, installPlugin} from '../support/plugins.ts'

interface Option {
  readonly option: string
  readonly type: string
  readonly required: boolean
  readonly secret: boolean
  readonly description?: string
  readonly default?: unknown
  readonly example?: unknown
  readonly values?: readonly unknown[]
}

interface Source {
  readonly options: readonly Option[]
  readonly streams: readonly {readonly object_type: string; readonly misses: readonly string[]}[] | null
}

const show = async (name: string, ...more: readonly string[]): Promise<CliResult> =>
  lorchestra(['sources', 'show', name, ...more], {cwd: await temporaryFolder()})

async function described(name: string): Promise<Source> {
  const {code, stdout, stderr} = await show(name, '--json')
  expect(code, stderr).to.equal(0)
  return (JSON.parse(stdout) as {source: Source}).source
}

describe('lorchestra sources show', () => {
  for (const name of ['dataverse', 'files', 'gmail', 'rest'])
    it(`says of each option of ${name} what it means, and what it could be`, async () => {
      const {options, streams} = await described(name)
      const ofTheJob = options.filter(({option}) => !option.includes('.'))
      expect(ofTheJob).not.to.deep.equal([])
      for (const option of ofTheJob) {
        expect(option.description, option.option).to.be.a('string').and.not.match(/\.$/)
        const shown =
          option.default ??
          option.example ??
          option.values ??
          (option.type === 'true | false' || option.description?.includes('such as') === true || undefined)
        expect(shown, option.option).not.to.equal(undefined)
      }
      expect(streams).not.to.equal(null)
    })

  it('lists options for a person, those within others too, with secrets and what must be said', async () => {
    const {code, stdout} = await show('rest')
    expect(code).to.equal(0)
    expect(stdout).to.match(
      /^ {2}base_url: address \(required; example https:\/\/api\.example\.com\/v2\)\n {6}Address that/m,
    )
    expect(stdout).to.match(/^ {2}auth\.token: text \(secret;/m)
    expect(stdout).to.match(/^ {2}pages\.by: none \| link \| next \|/m)
    expect(stdout).to.match(/^ {6}github: A GitHub repository.*; streams: issue,/m)
  })

  it('tells which records the windows of a source miss', async () => {
    expect((await described('gmail')).streams).to.deep.equal([
      {object_type: 'email', windowed: true, misses: ['late', 'moved']},
    ])
  })

  it('shows an installed source, also where its schema tells nothing', async () => {
    await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook: hookOf('notes', {descriptor: 'spawn: true'})})
    const {code, stdout} = await show('notes')
    expect(code).to.equal(0)
    expect(stdout).to.match(/^plugin +plugin-notes 1\.0\.0$/m)
    expect(stdout).to.match(/^starts +processes/m)
    expect(stdout).to.include('does not say which options there are')
  })

  it('says which source may be meant where there is none of the name', async () => {
    const {code, stderr} = await show('gmial')
    expect(code).to.equal(2)
    expect(stderr).to.include('[E_SOURCE_UNKNOWN]').and.to.include('"gmail"')
  })
})
