import {expect} from 'chai'
import fc from 'fast-check'

import {createMask} from '../../src/base/mask.ts'
import {assertHoldsNoSecret} from '../../src/run/kept-in-the-log.ts'
import type {JsonValue} from '../../src/source.ts'
import {query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {pastedSecrets, WAYS_TO_WRITE} from '../support/pasted-secrets.ts'
import {databaseIn, scriptedRun, type ScriptedResult} from '../support/scripted-run.ts'
import {scriptedSource, windowOf} from '../support/scripted-source.ts'

const DAY = 86_400_000
const SECRET = 'hush-hush-hush'
const LINK = `https://service.test/changes?after=7&token=${SECRET}`
const records = [
  {id: 'a', at: DAY / 2},
  {id: 'b', at: DAY * 1.5},
]
const folder = folderForEachTest()

function run(script: Parameters<typeof scriptedSource>[1]): Promise<ScriptedResult> {
  const mask = createMask()
  mask.add(SECRET)
  return scriptedRun({
    source: scriptedSource(() => records, script),
    folder: folder(),
    now: DAY * 2,
    start: 0,
    mask,
    commitAfter: {records: 1, milliseconds: 300_000},
  })
}

const logged = async (): Promise<string> => JSON.stringify(await query(databaseIn(folder()), 'SELECT * FROM event_log'))

/** The event log is read by more people than the secret is for. */
describe('a secret in what a source has the event log keep', () => {
  it('fails the slice whose bookmark holds it, and what was committed before is kept', async () => {
    const {error} = await run({
      defaults: {slice: '1d'},
      async *extract(context) {
        yield* windowOf(() => records)(context)
        if (context.window.until.getTime() > DAY) yield {records: [], bookmark: {links: [LINK]}}
      },
    })
    expect(error).to.have.property('code', 'E_SOURCE_BUG')
    expect(error).to.have.property('message').that.contains('a bookmark that holds a secret')
    expect(await query(databaseIn(folder()), 'SELECT external_id FROM raw_objects')).to.deep.equal([{external_id: 'a'}])
    expect(await logged())
      .to.contain('ingestion.failed')
      .and.not.contain(SECRET)
  })

  for (const [what, script] of Object.entries({
    'where the change feed stands': {currentBookmark: () => Promise.resolve(LINK)},
    'whose data it is': {check: () => Promise.resolve({identity: LINK})},
  })) {
    it(`fails the run whose source says by it ${what}, before a record is read`, async () => {
      const {error, counts} = await run(script)
      expect(error).to.have.property('code', 'E_SOURCE_BUG')
      expect(counts.extracted).to.equal(0)
      expect(await logged())
        .to.contain('job.failed')
        .and.not.contain(SECRET)
    })
  }

  it('is found however it is written, and wherever in the bookmark', () => {
    const places: readonly ((text: string) => JsonValue)[] = [
      (text) => text,
      (text) => [1, {link: text}],
      (text) => ({[text]: null}),
    ]
    fc.assert(
      fc.property(
        pastedSecrets,
        fc.constantFrom(...Object.values(WAYS_TO_WRITE)),
        fc.constantFrom(...places),
        (secret, write, place) => {
          const mask = createMask()
          mask.add(secret)
          const bookmark = place(write(secret))
          expect(() => assertHoldsNoSecret('a bookmark', bookmark, mask.apply)).to.throw('holds a secret')
          expect(() => assertHoldsNoSecret('a bookmark', bookmark, createMask().apply)).not.to.throw()
        },
      ),
    )
  })
})
