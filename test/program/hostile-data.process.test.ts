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
    const {body} = await http.request({url: options.url})
    yield {records: body.records}
  },
}
`

describe('hostile answers of a service', () => {
  it('go through HTTP, a source and the whole program without losing anything', async () => {
    const texts = Object.entries({...STORED_WHOLE, ...STORED_WITH_ALL_DIGITS})
    const answer = `{"records":[${texts.map(([id, text]) => withId(id, text)).join(',')},{"id":"half","text":"\\ud800"}]}`
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(answer)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const {port} = server.address() as AddressInfo
      const home = await homeWith({name: 'service', files: {'source.js': SERVICE_SOURCE}})
      const yaml = `jobs:\n  answers:\n    source: service\n    url: http://127.0.0.1:${port}/\n`
      const project = await createProject({home, yaml})
      const result = await project.run(['run', 'answers', '--json'])
      expect(result.code, result.stderr).to.equal(3)
      const {runs} = JSON.parse(result.stdout) as {runs: readonly {counts: Readonly<Record<string, number>>}[]}
      expect(runs[0]?.counts).to.include({inserted: texts.length, rejected: 1})
      const rows = await query(project.database, 'SELECT external_id, payload FROM raw_objects')
      const stored = new Map(rows.map((row) => [String(row['external_id']), String(row['payload'])]))
      for (const [id, text] of texts) expect(normal(stored.get(id) ?? ''), id).to.equal(normal(withId(id, text)))
    } finally {
      server.close()
    }
  })
})
