import {expect} from 'chai'

import {events} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {messageOf} from '../support/message-of.ts'
import {databaseIn, scriptedRun, type ScriptedResult} from '../support/scripted-run.ts'
import {scriptedSource, type ScriptedSource} from '../support/scripted-source.ts'
import type {StreamDefinition} from '../../src/source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

/** Each stream has a change feed of its own; a bookmark is the name of its stream and a number. */
describe('streams that are separate', () => {
  let now: number
  let asked: string[]
  beforeEach(() => {
    now = DAY
  })

  const run = async (
    ...streams: readonly Partial<StreamDefinition>[]
  ): Promise<ScriptedResult & {readonly source: ScriptedSource}> => {
    now += DAY
    asked = []
    const namesOf = (of: readonly {readonly objectType: string}[]): string =>
      of.map(({objectType}) => objectType).join('+')
    const source = scriptedSource(() => [], {
      streams: streams.map((stream) => ({objectType: 'thing', windowed: false, separate: true, ...stream})),
      currentBookmark: (context) => Promise.resolve(`${namesOf(context.streams)} ${now / DAY}`),
      canResume: (context) => {
        asked.push(`${namesOf(context.streams)}: ${String(context.bookmark)}`)
        return Promise.resolve(true)
      },
      async *extract(context) {
        const [stream] = context.streams
        const objectType = stream?.objectType ?? ''
        yield await Promise.resolve({objectType, records: [{id: `of ${objectType}`}]})
      },
    })
    const result = await scriptedRun({source, folder: folder(), now})
    return {...result, source}
  }
  const readIn = ({source}: {readonly source: ScriptedSource}): readonly string[] =>
    source.calls.map(
      ({objectTypes, bookmark}) => `${objectTypes.join('+')} ${bookmark === undefined ? 'whole' : 'changes'}`,
    )
  const [one, two, three] = [{objectType: 'one'}, {objectType: 'two'}, {objectType: 'three'}]

  it('are read each by itself, and go on each from its own bookmark', async () => {
    expect(readIn(await run(one, two))).to.deep.equal(['one whole', 'two whole'])
    expect(readIn(await run(one, two))).to.deep.equal(['one changes', 'two changes'])
    expect(asked).to.deep.equal(['one: one 2', 'two: two 2'])
  })

  it('are not read again where the job gets another one, in whatever place', async () => {
    await run(one, two)
    expect(readIn(await run(three, one, two))).to.deep.equal(['three whole', 'one changes', 'two changes'])
    expect(readIn(await run(two, three))).to.deep.equal(['two changes', 'three changes'])
  })

  it('start uncovered alone where what selects their records changes', async () => {
    await run(one, {...two, selection: {open: true}})
    expect(readIn(await run(one, {...two, selection: {open: false}}))).to.deep.equal(['one changes', 'two whole'])
    expect(readIn(await run(one, {...two, selection: {open: true}}))).to.deep.equal(['one changes', 'two changes'])
    const selections = (await events(databaseIn(folder()), 'ingestion.completed')).map(({object_type: type, payload}) =>
      [type, (payload as {selection: string}).selection].join(' '),
    )
    expect(new Set(selections).size).to.equal(3)
    expect(selections).to.include('one all')
  })

  it('are read beside those that are read together', async () => {
    const together = [
      {objectType: 'four', separate: undefined},
      {objectType: 'five', separate: undefined},
    ] as unknown as readonly Partial<StreamDefinition>[]
    expect(readIn(await run(one, ...together))).to.deep.equal(['four+five whole', 'one whole'])
  })

  it('are a mistake of the source where one has a selection and is not separate', async () => {
    const torn = {...one, separate: undefined, selection: 'x'} as unknown as Partial<StreamDefinition>
    expect(await messageOf(run(torn))).to.equal('the source selects one alone, and reads it with others')
  })
})
