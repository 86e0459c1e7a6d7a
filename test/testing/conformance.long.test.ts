import {readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import type {JsonObject, Page, Source, SourceContext} from '../../src/source.ts'
import {conformanceTests, type ConformanceSetup} from '../../src/testing/conformance.ts'
import good from '../../templates/source/src/source.ts'
import {temporaryFolder} from '../support/cli.ts'
import {BOUNDED, complaintOf, IN_A_BOX, setupFor, withPages, type Pages, type Wrong} from '../support/complaints.ts'

const WRONG: Readonly<Record<string, Wrong>> = {
  'yields all in one page': {
    source: withPages(async function* (_context, pages) {
      const records: JsonObject[] = []
      for await (const page of pages) records.push(...page.records)
      yield {records}
    }),
    says: /a page of 4500 records and 1\d\.\d MB/,
  },
  'reads everything before it yields anything': {
    source: withPages(async function* (_context, pages) {
      const all: Page[] = []
      for await (const page of pages) all.push(page)
      yield* all
    }),
    says: /it held up to \d+\.\d MB while it read 1\d\.\d MB/,
  },
  'keeps what it has yielded': {
    source: withPages(async function* (_context, pages) {
      const all: Page[] = []
      for await (const page of pages) {
        all.push(page)
        yield page
      }
    }),
    says: /it held up to \d+\.\d MB/,
  },
}

describe('the conformance suite', () => {
  it(`has no complaint about a good source: it ${BOUNDED}`, async () => {
    expect(await complaintOf(BOUNDED, setupFor(good))).to.equal('no complaint')
  })

  for (const [what, {source, says}] of Object.entries(WRONG)) {
    it(`complains of a source that ${what}`, async () => {
      expect(await complaintOf(BOUNDED, setupFor(source))).to.match(says)
    })
  }

  it('takes a source that reads a file, in one class, with a stream without time', async () => {
    class Lines {
      readonly apiVersion = 1
      readonly name = 'lines'
      readonly summary = 'Lines of a file'
      readonly #prefix = 'line '
      readonly options = {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (input: unknown) => {
            const given = typeof input === 'object' && input !== null ? Object.entries(input) : []
            const issues = given
              .filter(([name, value]) => name !== 'file' || typeof value !== 'string')
              .map(([name]) => ({message: 'this is no path of a file', path: [name]}))
            if (given.length === 0) issues.push({message: 'expected the path of a file', path: ['file']})
            return issues.length > 0 ? {issues} : {value: input}
          },
        },
      }
      streams() {
        return [{objectType: 'line', windowed: false}]
      }
      idemKey({id}: JsonObject, {objectType, sourceSystem}: {objectType: string; sourceSystem: string}) {
        return `${objectType}:${sourceSystem}:${this.#prefix}${String(id)}`
      }
      async *extract({options, resolvePath, signal}: SourceContext<{file: string}>): Pages {
        const text = await readFile(resolvePath(options.file), {encoding: 'utf8', signal})
        for (const line of text.split('\n')) yield {records: [JSON.parse(line) as JsonObject]}
      }
    }
    const setup: ConformanceSetup = {
      source: new Lines() as unknown as Source,
      service: async ({records, size}) => {
        const file = join(await temporaryFolder(), 'lines')
        const lines = Array.from({length: records}, (_, id) => JSON.stringify({id, text: 'x'.repeat(size)}))
        await writeFile(file, lines.join('\n'))
        return {options: () => ({file}), close: async () => rm(file)}
      },
    }
    const complaints: string[] = []
    for (const {rule} of conformanceTests(setup)) {
      // It is in no package.
      if (rule === IN_A_BOX) continue
      const complaint = await complaintOf(rule, setup)
      if (complaint !== 'no complaint') complaints.push(`${rule}: ${complaint}`)
    }
    // It reads the whole file at once.
    expect(complaints).to.have.length(1)
    expect(complaints[0]).to.match(/memory flat: it held up to/)
  })
})
