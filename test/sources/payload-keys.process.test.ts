import {expect} from 'chai'

import type {Box} from '../../src/sources/box/box.ts'
import type {HostedSource} from '../../src/sources/box/hosted-source.ts'
import {findSources, loadSource} from '../../src/sources/source-plugins.ts'
import {temporaryFolder} from '../support/cli.ts'
import {commandLineWith, hookOf} from '../support/plugins.ts'

const SOURCE = `
  idemKey(record, stream, options) {
    if (record.endless) for (;;) {}
    if (options.by !== undefined) return [stream.objectType, stream.sourceSystem, record[options.by]].join(':')
    if (record.id === undefined) throw new Error('it has no id')
    return record.id === 7 ? 7 : [stream.objectType, stream.sourceSystem, JSON.stringify(record.id)].join(':')
  },`
const STREAM = {sourceSystem: 'notes', objectType: 'note'}

describe('keys of stored payloads', () => {
  let box: Box
  let source: HostedSource
  let noOptions: unknown

  before(async () => {
    const commandLine = await commandLineWith([{name: 'notes', hook: hookOf('notes', {source: SOURCE})}])
    const access = {folder: await temporaryFolder(), paths: [], allow: []}
    ;({box, source} = await loadSource(await findSources(commandLine), 'notes', access))
    noOptions = await optionsOf({})
  })

  // The last test leaves it in an endless loop.
  after(() => box.close())

  const optionsOf = async (input: object): Promise<unknown> => {
    const checked = await source.options['~standard'].validate(input)
    return checked.issues === undefined ? checked.value : undefined
  }

  const keysOf = async (
    payloads: readonly string[],
    {signal = new AbortController().signal, options = noOptions}: {signal?: AbortSignal; options?: unknown} = {},
  ) =>
    source.keysOf(
      {stream: STREAM, options},
      payloads.map((payload) => Buffer.from(payload)),
      signal,
    )

  it('are made in the box, digit for digit, and where there is none it says why', async () => {
    const payloads = ['{"id":"a"}', '{"id":12345678901234567890}', '{"name":"b"}', '{"id":7}', '[1]', '{"id"', '']
    expect(await keysOf(payloads)).to.deep.equal([
      {idemKey: 'note:notes:"a"'},
      {idemKey: 'note:notes:12345678901234567890'},
      {problem: 'idemKey failed: it has no id'},
      {problem: 'its idem_key is not a string'},
      {problem: 'its payload is not an object'},
      {problem: 'its payload is not JSON'},
      {problem: 'its payload is not JSON'},
    ])
    expect(await keysOf([])).to.deep.equal([])
  })

  it('are those of many payloads, of large ones too, in their order, also where several ask at once', async () => {
    const many = Array.from({length: 5000}, (_, index) => JSON.stringify({id: index + 10, text: 'x'.repeat(2000)}))
    const large = JSON.stringify({id: 'large', text: 'x'.repeat(80_000_000)})
    const [keys, others] = await Promise.all([keysOf(many), keysOf([large, '{"id":1}'])])
    expect(keys).to.deep.equal(many.map((_, index) => ({idemKey: `note:notes:${index + 10}`})))
    expect(others).to.deep.equal([{idemKey: 'note:notes:"large"'}, {idemKey: 'note:notes:1'}])
  })

  it('are made by the options of the job, each time', async () => {
    const payloads = ['{"id":"a","code":"x","name":"y"}']
    expect(await keysOf(payloads, {options: await optionsOf({by: 'code'})})).to.deep.equal([{idemKey: 'note:notes:x'}])
    expect(await keysOf(payloads, {options: await optionsOf({by: 'name'})})).to.deep.equal([{idemKey: 'note:notes:y'}])
  })

  it('are not waited for any longer where somebody says stop', async () => {
    const stop = new AbortController()
    const asked = keysOf(['{"id":1,"endless":true}'], {signal: stop.signal})
    stop.abort(new Error('stopped by hand'))
    expect(await asked.catch(String)).to.equal('Error: stopped by hand')
  })
})
