import {expect} from 'chai'

import {query} from '../support/database.ts'
import {createProject, homeWith} from '../support/external-source.ts'

const LINES = ['MIIEvQIBADANBgkqhkiG9w0B', 'AQEFAASCBKcwggSjAgEAAoIB']
const KEY = LINES.join('\n')
/** As long as a reason may be, but for a few characters. */
const NEARLY_TOO_LONG = 990

const SOURCE = `
const validate = (value) => ({value})
export default {
  apiVersion: 1,
  name: 'telling',
  summary: 'tells its secret',
  options: {'~standard': {version: 1, vendor: 'telling', validate}},
  secrets: ['key'],
  streams: () => [{objectType: 'thing', windowed: false}],
  idemKey(record, stream, options) { throw new Error('no id beside ' + options.key) },
  async *extract(context) {
    const {key} = context.options
    context.reject('r1', 'refused with ' + key)
    context.reject('r2 of ' + key, 'it cannot be read')
    context.reject('r3', 'x'.repeat(${NEARLY_TOO_LONG}) + key)
    yield {records: [{name: 'no id'}]}
  },
}
`

/** The event log is read by more people than the secret is for, and for longer. */
describe('a secret in what a source rejects', () => {
  it('is hidden in the event log, in warnings and in the list of rejects, each of its lines, and where it is cut', async () => {
    const home = await homeWith({name: 'telling', files: {'source.js': SOURCE}})
    const project = await createProject({home, yaml: 'jobs:\n  things: {source: telling, key: "${THE_KEY}"}\n'})
    const env = {THE_KEY: KEY}
    const {code, stdout, stderr} = await project.run(['run', 'things'], env)
    expect(code, stderr).to.equal(3)
    const listed = await project.run(['rejects', 'list', 'things', '--json'], env)
    const events = JSON.stringify(await query(project.database, `SELECT * FROM event_log`))
    expect(events).to.contain('refused with ***').and.contain('r2 of ***').and.contain('no id beside ***')
    for (const text of [stdout, stderr, listed.stdout, events])
      for (const line of LINES) expect(text).not.to.contain(line.slice(0, 8))
  })
})
