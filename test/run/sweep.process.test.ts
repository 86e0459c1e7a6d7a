import {expect} from 'chai'

import {query} from '../support/database.ts'
import {createProject, homeWith} from '../support/external-source.ts'

/** Entries of a JSON file, by time, or by the keys that it lists. */
const ARCHIVE = `
import {readFile} from 'node:fs/promises'

const entriesOf = async ({options, resolvePath}) => JSON.parse(await readFile(resolvePath(options.file), 'utf8'))

const source = {
  apiVersion: 1,
  name: 'archive',
  summary: 'entries of a JSON file',
  options: {'~standard': {version: 1, vendor: 'archive', validate: (value) => ({value})}},
  streams: () => [{objectType: 'entry', windowed: true, misses: ['late']}],
  idemKey: ({id}, {objectType, sourceSystem}) => [objectType, sourceSystem, id].join(':'),
  async *listKeys(context) {
    for (const entry of await entriesOf(context)) yield [source.idemKey(entry, context.streams[0])]
  },
  async *extract(context) {
    const {keys, window, streams: [stream]} = context
    const since = window.since ?? new Date(-8.64e15)
    for (const entry of await entriesOf(context)) {
      const at = new Date(entry.at)
      const isWanted = keys === undefined ? at >= since && at < window.until : keys.includes(source.idemKey(entry, stream))
      if (isWanted) yield {records: [entry]}
    }
  },
}
export default source
`

const PLAIN = ARCHIVE.replace('listKeys', 'listNothing').replace("name: 'archive'", "name: 'plain'")

describe('a source in its box that lists its keys', () => {
  it('is swept, and the run says what that found; a source that cannot is refused, by doctor, too', async () => {
    const home = await homeWith(
      {name: 'archive', files: {'source.js': ARCHIVE}},
      {name: 'plain', files: {'source.js': PLAIN}},
    )
    const yaml = `jobs:
  entries:
    source: archive
    file: records.json
    sweep: 1s
  plain_entries:
    source: plain
    file: records.json
    sweep: 7d
`
    const project = await createProject({home, yaml})
    await project.writeRecords([{at: '2024-03-01T12:00:00Z', id: 'a'}])
    expect((await project.run(['run', 'entries'])).code).to.equal(0)
    await project.writeRecords([
      {at: '2024-03-01T12:00:00Z', id: 'a'},
      {at: '2019-03-01T12:00:00Z', id: 'late'},
    ])
    const found = await project.run(['run', 'entries'])
    expect(found.code, found.stderr).to.equal(0)
    expect(found.stderr + found.stdout).to.include('All 2 keys that exist were listed; not stored: 1.')
    expect(await query(project.database, 'SELECT external_id AS id FROM raw_objects ORDER BY 1')).to.deep.equal([
      {id: 'a'},
      {id: 'late'},
    ])
    const shown = await project.run(['jobs', 'show', 'entries'])
    expect(shown.stdout).to.match(/^sweep +1s$/m)
    expect(shown.stdout).to.include('entry (by time; may miss what is late)')
    for (const args of [
      ['run', 'plain_entries'],
      ['doctor', 'plain_entries'],
    ]) {
      const {stdout, stderr} = await project.run(args)
      expect(stdout + stderr).to.include('says sweep, but the source plain cannot list its keys')
    }
  })
})
