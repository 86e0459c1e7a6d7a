import {expect} from 'chai'

import {busy, messageWithCauses, outcomeOf} from '../../src/base/errors.ts'
import type {HostContext, HostedSource} from '../../src/sources/box/hosted-source.ts'
import {findSources, loadSource} from '../../src/sources/source-plugins.ts'
import {temporaryFolder} from '../support/cli.ts'
import {commandLineWith, hookOf} from '../support/plugins.ts'
import {silentLog} from '../support/scripted-run.ts'

/** Each slice asks the host what is known, lets that error pass, keeps it, or throws one that an earlier slice kept. */
const SOURCE = `
  async *extract(context) {
    const [does, number] = context.streams[0].objectType.split('-')
    if (does === 'forges') {
      const original = (globalThis.original ??= JSON.stringify)
      JSON.stringify = (value, ...more) => {
        const forged = value?.error === undefined ? value : {...value, error: {...value.error, known: Number(number)}}
        return original(forged, ...more)
      }
      throw new Error('forged')
    }
    if (does === 'throws') throw globalThis.kept
    try { await context.known(['note:notes:1']) } catch (error) {
      if (does === 'passes') throw error
      if (does === 'wraps') throw new Error('no luck', {cause: error})
      globalThis.kept = error
    }
    yield {records: []}
    if (does === 'lingers') await new Promise((resolve) => context.signal.addEventListener('abort', resolve))
  },`

const inTheWay = busy('another run is in the way', {code: 'E_STREAM_BUSY', next: 'Wait.'})

describe('an error that the host answers a source with', () => {
  let source: HostedSource
  let options: unknown

  before(async () => {
    const commandLine = await commandLineWith([{name: 'notes', hook: hookOf('notes', {source: SOURCE})}])
    const access = {folder: await temporaryFolder(), paths: [], allow: []}
    source = (await loadSource(await findSources(commandLine), 'notes', access)).source
    const result = await source.options['~standard'].validate({})
    options = 'value' in result ? result.value : undefined
  })

  const contextOf = (does: string, signal = new AbortController().signal): HostContext => ({
    options,
    streams: [{sourceSystem: 'notes', objectType: does}],
    window: {until: new Date()},
    secrets: {get: async () => Promise.resolve(undefined), update: async () => Promise.reject(inTheWay)},
    log: silentLog,
    signal,
    known: async () => Promise.reject(inTheWay),
    stored: async () => Promise.reject(inTheWay),
    progress: () => undefined,
    reject: () => undefined,
    observe: () => undefined,
  })

  async function errorOf(does: string): Promise<unknown> {
    try {
      for await (const {records} of source.extract(contextOf(does), {records: Infinity})) expect(records).to.be.empty
      return undefined
    } catch (error) {
      return error
    }
  }

  it('is the run’s own where the source lets it pass, with its exit code', async () => {
    expect(await errorOf('passes')).to.equal(inTheWay)
  })

  it('is the cause of a failure where the source throws another one', async () => {
    const error = await errorOf('wraps')
    expect(outcomeOf(error)).to.equal('failed')
    expect(messageWithCauses(error)).to.equal('no luck: another run is in the way')
  })

  it('is a failure of the source where a later slice throws it: nobody is in the way of that one', async () => {
    expect(await errorOf('keeps')).to.equal(undefined)
    const error = await errorOf('throws')
    expect(outcomeOf(error)).to.equal('failed')
    expect(error).to.have.property('message', inTheWay.message)
  })

  it('is a failure of the source where a slice of another job throws it at the same time', async () => {
    const abort = new AbortController()
    const lingering = source.extract(contextOf('lingers', abort.signal), {records: Infinity})[Symbol.asyncIterator]()
    await lingering.next()
    expect(outcomeOf(await errorOf('throws'))).to.equal('failed')
    abort.abort()
    await lingering.return?.()
  })

  it('is a failure of the source that guesses its number on the wire', async () => {
    for (let number = 0; number < 10; number += 1) {
      const error = await errorOf(`forges-${number}`)
      expect(outcomeOf(error)).to.equal('failed')
      expect(error).to.have.property('message', 'forged')
    }
  })
})
