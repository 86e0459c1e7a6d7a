import {readFile} from 'node:fs/promises'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {text} from 'node:stream/consumers'
import {join} from 'node:path'

import {expect} from 'chai'

import {createProject, exists, homeWith, type ExternalRecord, type Project} from '../support/external-source.ts'

interface Told {
  readonly event: string
  readonly text: string
  readonly run: {readonly job: string; readonly outcome?: string; readonly error?: {readonly message: string}}
}

const GOOD: readonly ExternalRecord[] = [{at: '2024-03-01T12:00:00Z', id: 'a', text: 'one'}]
const FAILING: readonly ExternalRecord[] = [{at: '2024-03-01T12:00:00Z', fail: 'the ink is dry'}]

let home = ''
let server: Server
let status = 200
const told: Told[] = []

async function projectWith(records: readonly ExternalRecord[], notifications: string): Promise<Project> {
  const job = 'jobs:\n  diary_entries:\n    source: diary\n    file: records.json\n'
  const project = await createProject({home, yaml: `${job}notifications:\n${notifications}`})
  await project.writeRecords(records)
  return project
}
const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/very-secret`
const webhook = (): string => '  webhook: ${HOOK}\n'

describe('notifications', () => {
  before(async () => {
    home = await homeWith({name: 'diary'})
    server = createServer((request, response) => {
      void text(request).then((body) => {
        told.push(JSON.parse(body) as Told)
        response.writeHead(status).end('ok')
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
  })

  beforeEach(() => {
    status = 200
    told.length = 0
  })

  after(() => {
    server.closeAllConnections()
    server.close()
  })

  it('tell a webhook of a production run that failed, and why', async () => {
    const project = await projectWith(FAILING, webhook())
    const {code} = await project.run(['run', 'diary_entries'], {HOOK: address()})
    expect(code).to.equal(1)
    expect(told).to.have.length(1)
    expect(told[0]).to.deep.include({
      event: 'run.failed',
      text: 'lorchestra: diary_entries failed: the ink is dry',
    })
    expect(told[0]?.run).to.deep.include({job: 'diary_entries', outcome: 'failed'})
  })

  it('say nothing of runs that are well, and nothing of dry runs and test runs', async () => {
    const well = await projectWith(GOOD, webhook())
    expect((await well.run(['run', 'diary_entries'], {HOOK: address()})).code).to.equal(0)
    const failing = await projectWith(FAILING, webhook())
    await failing.run(['run', 'diary_entries', '--dry-run'], {HOOK: address()})
    await failing.run(['run', 'diary_entries', '--test-table'], {HOOK: address()})
    expect(told).to.deep.equal([])
  })

  it('tell of records that were rejected for the first time', async () => {
    const project = await projectWith([...GOOD, {at: '2024-03-01T13:00:00Z', text: 'no id'}], webhook())
    await project.run(['run', 'diary_entries'], {HOOK: address()})
    expect(told.map(({event, text: line}) => [event, line])).to.deep.equal([
      ['run.degraded', 'lorchestra: diary_entries is degraded: 1 records were rejected for the first time'],
    ])
  })

  it('tell of a run that read nothing where there usually is something', async () => {
    const project = await projectWith(GOOD, webhook())
    for (let run = 0; run < 5; run += 1) await project.run(['run', 'diary_entries', '--full'], {HOOK: address()})
    await project.writeRecords([])
    await project.run(['run', 'diary_entries', '--full'], {HOOK: address()})
    expect(told.map(({text: line}) => line)).to.deep.equal([
      'lorchestra: diary_entries is degraded: nothing was read, and usually there is something',
    ])
  })

  it('give the same document to a command, without a shell', async () => {
    const save = `require('fs').writeFileSync('told.json', require('fs').readFileSync(0))`
    const project = await projectWith(
      FAILING,
      `  command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(save)}]\n`,
    )
    await project.run(['run', 'diary_entries'])
    const document = JSON.parse(await readFile(join(project.folder, 'told.json'), 'utf8')) as Told
    expect(document.text).to.equal('lorchestra: diary_entries failed: the ink is dry')
  })

  it('change no exit code when they fail, and the log says so without the address', async () => {
    status = 500
    const project = await projectWith(FAILING, webhook())
    const {code, stderr} = await project.run(['run', 'diary_entries'], {HOOK: address()})
    expect(code).to.equal(1)
    expect(stderr).to.include('the webhook of notifications failed: it answered 500')
    expect(stderr).not.to.include('very-secret')
  })

  it('are refused before anything runs where their variable is missing or their address is not safe', async () => {
    const project = await projectWith(GOOD, webhook())
    for (const env of [{}, {HOOK: 'http://example.org/hook'}]) {
      const {code, stderr} = await project.run(['run', 'diary_entries'], env)
      expect(code).to.equal(2)
      expect(stderr).to.match(/notifications/)
      expect(stderr).not.to.include('example.org/hook')
    }
    expect(await exists(project.database)).to.equal(false)
  })
})
