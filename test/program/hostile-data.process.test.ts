import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'

import {expect} from 'chai'

import {parseExactly} from '../../src/base/exact-json.ts'
import {query} from '../support/database.ts'
import {createProject, homeWith} from '../support/external-source.ts'
import {STORED_WHOLE, STORED_WITH_ALL_DIGITS} from '../support/hostile-corpus.ts'

/** Equal as JSON values, digits included. */
const normal = (text: string): string => JSON.stringify(parseExactly(text))
const withId = (id: string, text: string): string => `{"id":${JSON.stringify(id)},"value":${text}}`

/** A source as somebody else writes it, which asks a service through the host's HTTP. */
const SERVICE_SOURCE = `
export default {
  apiVersion: 1,
  name: 'service',
  summary: 'records of a service',
  options: {'~standard': {version: 1, vendor: 'service', validate: (value) => ({value})}},
  streams: () => [{objectType: 'record', windowed: false}],
  idemKey: (record, {objectType, sourceSystem}) => \`\${objectType}:\${sourceSystem}:\${record.id}\`,
  async *extract({options, http}) {
    const {body, parts} = await http.request({url: options.url, listInParts: options.list})
    for (const records of parts ?? [body.records]) yield {records}
  },
}
`

/** How services write numbers, and texts that only look like numbers. */
const NUMBERS = [
  ...Array.from({length: 25}, (_, more) => '1234567890123456789012345678901234567890'.slice(0, 16 + more)),
  ...Array.from({length: 25}, (_, more) => `-0.${'9876543210987654321098765432109876543210'.slice(0, 16 + more)}`),
  ...'12345678901234.567 0.12345678901234567 1.0 1.50 -0 -0.0 0e0 1e5 1E+05 2.50e-3 1e400 -1e-400'.split(' '),
  ...'"1234567890123456789" "order:1234567890123456789" "[1e400" ":12345678901234567"'.split(' '),
]

/** Runs a job that reads this answer of a service; gives its code and counts, and what is stored by id. */
async function storedOf(answer: string | Buffer, list: string) {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const {port} = server.address() as AddressInfo
    const home = await homeWith({name: 'service', files: {'source.js': SERVICE_SOURCE}})
    const yaml = `jobs:\n  answers:\n    source: service\n    url: http://127.0.0.1:${port}/\n    list: ${list}\n`
    const project = await createProject({home, yaml})
    const {code, stdout, stderr} = await project.run(['run', 'answers', '--json'])
    const {runs} = JSON.parse(stdout) as {runs: readonly {counts: Readonly<Record<string, number>>}[]}
    const rows = await query(project.database, 'SELECT external_id, payload FROM raw_objects')
    const stored = new Map(rows.map((row) => [String(row['external_id']), String(row['payload'])]))
    return {code, counts: runs[0]?.counts, stored, stderr}
  } finally {
    server.close()
  }
}

describe('hostile answers of a service', () => {
  for (const [how, list] of Object.entries({whole: 'none', 'in parts': 'records'})) {
    it(`go ${how} through HTTP, a source and the whole program without losing anything`, async () => {
      const texts = Object.entries({...STORED_WHOLE, ...STORED_WITH_ALL_DIGITS})
      const records = texts.map(([id, text]) => withId(id, text))
      const {code, counts, stored} = await storedOf(
        `{"records":[${records.join(',')},{"id":"half","text":"\\ud800"}]}`,
        list,
      )
      expect(code).to.equal(3)
      expect(counts).to.include({inserted: texts.length, rejected: 1})
      for (const [id, text] of texts) expect(normal(stored.get(id) ?? ''), id).to.equal(normal(withId(id, text)))
    })
  }

  for (const [how, list, answer] of [
    ['an object', 'none', '{"records":[{"id":"a"},{"id":"b","text":"Zo\u00EB"},{"id":"c"}]}'],
    ['a list in parts', 'records', '{"records":[{"id":"a"},{"id":"b","text":"Zo\u00EB"},{"id":"c"}]}'],
    ['a list', "''", '[{"id":"a"},{"id":"b","text":"Zo\u00EB"},{"id":"c"}]'],
  ] as const)
    it(`cost one record where one byte is no UTF-8, and name it: ${how}`, async () => {
      const {code, counts, stored, stderr} = await storedOf(Buffer.from(answer, 'latin1'), list)
      expect([...stored.keys()].toSorted(), stderr).to.deep.equal(['a', 'c'])
      expect(counts).to.include({inserted: 2, rejected: 1})
      expect(stderr).to.match(/record:service:b.*\$\.text is not well-formed Unicode/)
      expect(code).to.equal(3)
    })

  it('are stored as they were written, every digit, where the source reads them in parts', async () => {
    const records = NUMBERS.map((number, index) => `{"id":"${index}","value":[${number},{"again":${number}}]}`)
    const {code, stored} = await storedOf(`{"records":[${records.join(' ,\n')}]}`, 'records')
    expect(code).to.equal(0)
    for (const [index, record] of records.entries()) expect(stored.get(String(index))).to.equal(record)
  })
})
