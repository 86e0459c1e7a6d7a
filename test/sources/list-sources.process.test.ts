import {expect} from 'chai'

import {LorchestraError} from '../../src/base/errors.ts'
import type {HostedSource} from '../../src/sources/box/hosted-source.ts'
import {findSources, formatFailures, listSources, loadSource} from '../../src/sources/source-plugins.ts'
import {commandLineWith, hookOf, type TestPlugin} from '../support/plugins.ts'

const list = async (...plugins: TestPlugin[]) => listSources(await commandLineWith(plugins))

/** What jobs read: the source in its box. */
async function load(plugins: readonly TestPlugin[], name: string): Promise<HostedSource> {
  const {source} = await loadSource(await findSources(await commandLineWith(plugins)), name, {
    folder: process.cwd(),
    paths: [],
    allow: [],
  })
  return source
}

async function refusal(name: string, ...plugins: TestPlugin[]): Promise<LorchestraError> {
  try {
    await load(plugins, name)
  } catch (error) {
    expect(error).to.be.instanceOf(LorchestraError)
    return error as LorchestraError
  }
  throw new Error('expected an error')
}

const GOOD: TestPlugin = {name: 'plugin-good', version: '2.3.4', hook: hookOf('notes')}

describe('sources', () => {
  it('are listed by name, with the plugin that each comes from', async () => {
    const {sources, failures} = await list({name: 'plugin-a', hook: hookOf('zebra')}, {...GOOD, name: 'plugin-b'})
    expect(failures).to.deep.equal([])
    expect(sources.map(({descriptor, plugin}) => [descriptor.name, descriptor.summary, plugin])).to.deep.equal([
      ['notes', 'Test records of notes', {name: 'plugin-b', version: '2.3.4', type: 'core'}],
      ['zebra', 'Test records of zebra', {name: 'plugin-a', version: '1.0.0', type: 'core'}],
    ])
  })

  it('are listed without being loaded', async () => {
    const hook = hookOf('notes', {descriptor: "load() { throw new Error('loaded') }"})
    expect((await list({name: 'plugin-a', hook})).failures).to.deep.equal([])
  })

  it('are loaded by their name', async () => {
    const source = await load([GOOD], 'notes')
    const checked = await source.options['~standard'].validate({})
    expect(checked.issues).to.equal(undefined)
    expect('value' in checked && source.streams(checked.value)).to.deep.equal([{objectType: 'note', windowed: true}])
  })

  const broken: Readonly<Record<string, readonly [hook: string | undefined, message: string]>> = {
    'exports a list': ['export default []', 'the lorchestra:sources hook of the plugin plugin-bad exports no function'],
    throws: [
      "export default () => { throw new Error('out of order') }",
      'could not say which sources it has: out of order',
    ],
    exits: [
      'export default function () { process.exit(3) }',
      'could not say which sources it has: the source ended its process (exit code 3)',
    ],
    'imports what is not there': [
      "import 'not-installed'\nexport default () => []",
      'could not say which sources it has',
    ],
    'is no JavaScript': ['export default (', 'could not say which sources it has'],
    'is not there': [undefined, 'could not say which sources it has'],
    'exports no function': [
      'export const sources = []',
      'the lorchestra:sources hook of the plugin plugin-bad exports no function',
    ],
    'answers with nothing': ['export default () => undefined', 'describes its source wrongly: expected a list'],
    'answers with text': ["export default () => ['notes']", 'describes its source wrongly: expected a list'],
    'has a bad name': [hookOf('Bad Name'), '"Bad Name" is not a name'],
    'has no summary': [hookOf('bad', {descriptor: 'summary: undefined'}), 'bad has no summary'],
    'starts something else': [hookOf('bad', {descriptor: "spawn: 'sh'"}), 'bad has spawn "sh", which is true or false'],
    'has no load': [hookOf('bad', {descriptor: 'load: 5'}), 'bad has no load()'],
  }
  for (const [what, [hook, message]] of Object.entries(broken)) {
    const bad: TestPlugin = {name: 'plugin-bad', ...(hook !== undefined && {hook})}

    it(`of other plugins stay usable where the hook of one ${what}, and that one is named`, async () => {
      const {sources, failures} = await list(bad, GOOD)
      expect(sources.map(({descriptor}) => descriptor.name)).to.deep.equal(['notes'])
      expect(failures).to.have.lengthOf(1)
      expect(failures[0]).to.include({plugin: 'plugin-bad'})
      expect(failures[0]?.message).to.include('plugin-bad').and.to.include(message)
      expect(formatFailures(failures)).to.match(/^Warning: .*plugin-bad.*\n {2}→ \S/)
      expect((await load([bad, GOOD], 'notes')).name).to.equal('notes')
    })
  }

  it('of a newer contract ask for a newer lorchestra', async () => {
    const error = await refusal('notes', {name: 'plugin-new', hook: hookOf('notes', {descriptor: 'apiVersion: 2'})})
    expect(error.outcome).to.equal('failed')
    expect(error.message).to.include('plugin-new was made for version 2')
    expect(error.next).to.equal('Upgrade lorchestra.')
  })

  it('of an older or no contract ask for a newer plugin', async () => {
    for (const version of ['0', 'undefined', "'1'"]) {
      const hook = hookOf('notes', {descriptor: `apiVersion: ${version}`})
      expect((await refusal('notes', {name: 'plugin-old', hook})).next).to.equal(
        'Upgrade the plugin: lorchestra plugins install plugin-old@latest',
      )
    }
  })

  it('with one name from two plugins cannot be used, and both are named', async () => {
    const one = {name: 'plugin-one', hook: hookOf('notes')}
    const other = {name: 'plugin-other', hook: hookOf('notes')}
    const third = {name: 'plugin-third', hook: hookOf('mail')}
    const error = await refusal('notes', other, one, third)
    expect(error.message).to.equal('more than one plugin offers the source notes: plugin-one, plugin-other')
    expect(error.next).to.equal('Remove all but one: lorchestra plugins uninstall plugin-other')
    expect((await load([one, other, third], 'mail')).name).to.equal('mail')
  })

  it('stay usable where their plugin has another one whose name is taken', async () => {
    const both = `${hookOf('mail').replace('export default', 'const first =')}
const second = ({...first()[0], name: 'notes', load: async () => ({...(await first()[0].load()), name: 'notes'})})
export default () => [...first(), second]`
    const plugins = [
      {name: 'plugin-a', hook: both},
      {name: 'plugin-b', hook: hookOf('mail')},
    ]
    const source = await load(plugins, 'notes')
    expect((await source.options['~standard'].validate({})).issues).to.equal(undefined)
  })

  it('that nobody offers are answered with what there is and how to install more', async () => {
    const error = await refusal('nots', GOOD)
    expect(error).to.include({outcome: 'usage', message: 'no plugin offers the source "nots"'})
    expect(error.next).to.include('Did you mean "notes"?').and.to.include('lorchestra plugins install')
    expect((await refusal('dataverse', GOOD)).next).to.include('There is: notes.')
    expect((await refusal('dataverse')).next).to.include('There is none yet.')
  })

  it('that nobody offers may be those of a plugin that fails, so that one is named', async () => {
    const error = await refusal('dataverse', GOOD, {name: 'plugin-bad', hook: "throw new Error('half installed')"})
    expect(error.outcome).to.equal('failed')
    expect(error.message).to.include('"dataverse"').and.to.include('plugin-bad').and.to.include('half installed')
  })

  it('that fail to load name their plugin and keep the cause', async () => {
    const hook = hookOf('notes', {descriptor: "async load() { throw new Error('no adapter') }"})
    const error = await refusal('notes', {name: 'plugin-bad', hook})
    expect(error.message).to.equal('the source notes of the plugin plugin-bad could not be loaded')
    expect(error.cause).to.have.property('message', 'no adapter')
  })

  const misshapen: Readonly<Record<string, readonly [source: string, message: string]>> = {
    'another version': ['apiVersion: 2', 'has apiVersion 2, not 1'],
    'another name': ["name: 'other'", 'calls itself "other"'],
    'no streams': ['streams: undefined', 'has no streams()'],
    'no idemKey': ['idemKey: undefined', 'has no idemKey()'],
    'no extract': ['extract: {}', 'has no extract()'],
    'a value where a function is expected': ['estimate: 5', 'has estimate that is no function'],
    'no schema': ['options: {}', 'has options that are no Standard Schema'],
    'secrets that are no list': ["secrets: 'token'", 'has secrets that are no list of names'],
  }
  for (const [what, [source, message]] of Object.entries(misshapen)) {
    it(`that load with ${what} are refused and name their plugin`, async () => {
      const error = await refusal('notes', {name: 'plugin-bad', hook: hookOf('notes', {source})})
      expect(error.message).to.equal(`the source notes of the plugin plugin-bad ${message}`)
    })
  }

  it('that load() does not resolve to are refused', async () => {
    const hook = hookOf('notes', {descriptor: 'load: async () => undefined'})
    expect((await refusal('notes', {name: 'plugin-bad', hook})).message).to.include('load() must resolve to the source')
  })
})
