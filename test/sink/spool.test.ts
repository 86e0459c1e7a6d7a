import {readFile, readdir, stat} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import fc from 'fast-check'

import {COLUMN_END} from '../../src/model/record-head.ts'
import {Spool} from '../../src/sink/spool.ts'
import {DELIMITED_LINES, JSON_LINES} from '../../src/warehouse/record-lines.ts'
import {temporaryFolder} from '../support/cli.ts'

interface Step {
  readonly does: 'records' | 'ends a slice' | 'drops the slice'
  readonly payloads: readonly string[]
}

const payload = fc
  .oneof(
    {weight: 20, arbitrary: fc.jsonValue({maxDepth: 3})},
    // Gets a file of its own, by its size.
    {weight: 1, arbitrary: fc.nat(9).map((digit) => String(digit).repeat(4 * 1024 * 1024))},
    {weight: 3, arbitrary: fc.constant('too exact')},
  )
  .map((value) => (value === 'too exact' ? '{"value":12345678901234567890.5}' : JSON.stringify({value})))
const steps = fc.array(
  fc.record<Step>({
    does: fc.constantFrom('records', 'records', 'records', 'ends a slice', 'drops the slice'),
    payloads: fc.array(payload, {maxLength: 8}),
  }),
  {maxLength: 12},
)

const FORMS = {
  'of JSON': {
    lines: JSON_LINES,
    readLine(line: string) {
      const {sequence} = JSON.parse(line) as {sequence: number}
      return {sequence, text: line.slice(line.indexOf(',"payload":') + ',"payload":'.length, -1)}
    },
  },
  'of columns of text': {
    lines: DELIMITED_LINES,
    readLine(line: string) {
      const [key, system, type, id, sequence, text = ''] = line.split(COLUMN_END)
      expect([key, system, type, id]).to.deep.equal(['k', 's', 'o', 'e'])
      return {sequence: Number(sequence), text}
    },
  },
}

for (const [form, {lines, readLine}] of Object.entries(FORMS)) {
  describe(`the spool, with lines ${form}`, () => {
    it('gives back every line of the whole slices, in order of its sequence, and nothing else', async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          const spool = await Spool.create(join(await temporaryFolder(), 'run'), lines)
          let [kept, slice]: [string[], string[]] = [[], []]
          for (const {does, payloads} of all) {
            if (does === 'records') {
              for (const json of payloads) {
                const name = {idemKey: 'k', sourceSystem: 's', objectType: 'o', externalId: 'e'}
                await spool.addRecord({...name, json: Buffer.from(json)})
                slice.push(json)
              }
            } else if (does === 'ends a slice') {
              await spool.endSlice()
              kept = [...kept, ...slice]
              slice = []
            } else {
              await spool.dropUnfinishedSlice()
              slice = []
            }
          }
          await spool.dropUnfinishedSlice()
          const batch = await spool.batch(new Date(0))
          expect(batch.rows).to.equal(kept.length)
          const read: {sequence: number; text: string}[] = []
          for (const file of [...batch.records, ...batch.loneRecords]) {
            expect((await stat(file)).mode & 0o777).to.equal(0o600)
            for (const line of (await readFile(file, 'utf8')).split('\n').filter((text) => text !== ''))
              read.push(readLine(line))
          }
          const inOrder = read.toSorted((one, other) => one.sequence - other.sequence)
          expect(inOrder.map(({text}) => text)).to.deep.equal(kept)
          await spool.remove()
          expect(await readdir(join(spool.folder, '..'))).to.deep.equal([])
        }),
        {numRuns: 40},
      )
    })
  })
}
