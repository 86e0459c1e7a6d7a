import {readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import {useFakeTimers} from 'sinon'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {startChangeTrackingStub, type ChangeTrackingStub} from '../../../test/support/change-tracking-stub.ts'
import {clinicEnv, clinicYaml} from '../../../test/support/clinic-yaml.ts'
import {events, query} from '../../../test/support/database.ts'
import {contacts, guid} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer, type DataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import {createProject, type Project} from '../../../test/support/external-source.ts'
import {messageOf} from '../../../test/support/message-of.ts'
import {currentBookmark} from '../src/changes.ts'
import {reading} from './reading.ts'

const now = new Date('2026-03-01T12:00:00Z')
const ROWS = 30

describe('change tracking, against a stub of ours', () => {
  let entra: EntraServer
  let server: DataverseServer
  let stub: ChangeTrackingStub
  let project: Project

  beforeEach(async () => {
    entra = await startEntraServer(await temporaryFolder())
    server = await startDataverseServer({contacts: contacts(ROWS, {now})}, {pageSize: 7})
    stub = await startChangeTrackingStub(server)
    project = await createProject({
      home: await temporaryFolder(),
      yaml: clinicYaml({url: stub.url, entra, jobs: {contacts: 'entity: contact, track_changes: true'}}),
    })
  })
  afterEach(async () => {
    await stub.close()
    await server.close()
    await entra.close()
  })

  const id = (index: number): string => guid(`contact ${index}`)
  const run = async (...args: string[]): Promise<{stdout: string; stderr: string}> => {
    const result = await project.run(['run', 'contacts', ...args], clinicEnv(entra))
    expect(result.code, result.stdout + result.stderr).to.equal(0)
    return result
  }
  const deleted = async (): Promise<unknown[]> =>
    (await events(project.database, 'object.deleted')).map((event) => event['idem_key'])
  const names = async (): Promise<ReadonlyMap<unknown, unknown>> => {
    const rows = await query(
      project.database,
      "SELECT external_id AS id, payload->>'$.fullname' AS name FROM raw_objects",
    )
    return new Map(rows.map((row) => [row['id'], row['name']]))
  }

  it('reads what changed since the last run alone, and records what was deleted', async () => {
    expect((await run()).stdout).to.contain(`${ROWS} extracted, ${ROWS} inserted`)
    // As an import does that keeps the time of the system it comes from.
    await stub.update('contacts', id(1), {fullname: 'back-dated', modifiedon: '2020-01-01T00:00:00Z'})
    await stub.update('contacts', id(2), {fullname: 'changed twice'})
    await stub.insert('contacts', {contactid: guid('new'), fullname: 'new', modifiedon: new Date().toISOString()})
    await stub.remove('contacts', id(3))
    await stub.remove('contacts', id(4))
    expect((await run()).stdout).to.contain('3 extracted, 1 inserted, 2 updated')
    expect(await deleted()).to.have.members([3, 4].map((index) => `contact:dataverse--clinic:${id(index)}`))
    const stored = await names()
    expect(stored.get(id(1))).to.equal('back-dated')
    expect(stored.get(guid('new'))).to.equal('new')
    expect(stored.has(id(3)), 'rows stay').to.equal(true)
    const before = stub.asked.length
    expect((await run()).stdout).to.contain('0 extracted')
    // Whether it still takes the link, and then what changed.
    expect(stub.asked.slice(before)).to.have.length(2)
    expect(await deleted()).to.have.length(2)
  })

  it('has what changed before the first link, also where the clock of the server is ahead', async () => {
    const ahead = new Date(Date.now() + 4 * 60_000).toISOString()
    await stub.update('contacts', id(1), {fullname: 'changed ahead', modifiedon: ahead})
    await run()
    await run()
    expect((await names()).get(id(1))).to.equal('changed ahead')
  })

  it('has it also where the run takes more than a day until it gets there', async () => {
    const until = new Date()
    const ahead = new Date(until.getTime() + 4 * 60_000).toISOString()
    await stub.update('contacts', id(1), {fullname: 'changed ahead', modifiedon: ahead})
    const options = {track_changes: true}
    const slow = reading(entra, stub.url, {options, window: {since: new Date(until.getTime() - 60_000), until}})
    await currentBookmark(slow.context)
    const clock = useFakeTimers({toFake: ['Date'], now: until.getTime() + 25 * 3_600_000})
    try {
      expect((await slow.all()).map(({fullname}) => fullname)).to.deep.equal(['changed ahead'])
    } finally {
      clock.restore()
    }
  })

  it('falls back to the window when the link has expired, says so, and goes on by changes', async () => {
    await run()
    await stub.update('contacts', id(1), {fullname: 'changed', modifiedon: new Date().toISOString()})
    await stub.remove('contacts', id(2))
    stub.expire()
    const before = stub.asked.length
    const {stdout, stderr} = await run()
    expect(stdout).to.contain('1 extracted, 0 inserted, 1 updated')
    expect(stderr).to.contain('no longer says what changed in contact, so its rows are read by modifiedon')
    expect(stub.asked.slice(before).some((path) => path.includes('modifiedon%20ge'))).to.equal(true)
    await stub.remove('contacts', id(5))
    await run()
    expect(await deleted()).to.deep.equal([`contact:dataverse--clinic:${id(5)}`])
  })

  it('reads windows again, and sends the link of the former address no token, where url changed', async () => {
    await run()
    const yaml = await readFile(join(project.folder, 'lorchestra.yaml'), 'utf8')
    await project.write('lorchestra.yaml', yaml.replace(stub.url, stub.url.replace('127.0.0.1', 'localhost')))
    await stub.update('contacts', id(1), {fullname: 'changed', modifiedon: new Date().toISOString()})
    const doctor = await project.run(['doctor', 'contacts'], clinicEnv(entra))
    expect(doctor.stdout).to.match(/contacts +dataverse does not tell what changed since .*reads that time again/)
    expect((await project.run(['run', 'contacts', '--dry-run'], clinicEnv(entra))).code).to.equal(0)
    const {stdout, stderr} = await run()
    expect(stdout).to.contain('1 extracted, 0 inserted, 1 updated')
    expect(stderr).to.contain('the link to the changes of contact is of another address than url')
    const before = stub.asked.length
    expect((await run()).stderr).not.to.contain('another address')
    expect(stub.asked.slice(before).every((path) => path.includes('deltatoken'))).to.equal(true)
  })

  it('reads windows again, in slices, where the job tracks changes no more', async () => {
    await run()
    const yaml = await readFile(join(project.folder, 'lorchestra.yaml'), 'utf8')
    await project.write('lorchestra.yaml', yaml.replace('track_changes: true', 'track_changes: false'))
    await stub.update('contacts', id(1), {fullname: 'changed', modifiedon: new Date().toISOString()})
    const before = stub.asked.length
    expect((await run()).stdout).to.contain('1 extracted, 0 inserted, 1 updated')
    expect(stub.asked.slice(before).every((path) => path.includes('modifiedon%20ge'))).to.equal(true)
  })

  it('reads by the window, and leaves the link alone, where the run names one', async () => {
    await run()
    await stub.remove('contacts', id(1))
    expect((await run('--since', '2026-02-01')).stdout).not.to.contain(' 0 extracted')
    expect(await deleted()).to.deep.equal([])
    await run()
    expect(await deleted()).to.deep.equal([`contact:dataverse--clinic:${id(1)}`])
  })

  it('writes nothing in a dry run, so that no deletion is lost', async () => {
    await run()
    await stub.remove('contacts', id(1))
    await run('--dry-run')
    await run()
    expect(await deleted()).to.deep.equal([`contact:dataverse--clinic:${id(1)}`])
  })

  it('says where to turn it on', async () => {
    await server.update('EntityDefinitions', "'contact'", {ChangeTrackingEnabled: false})
    const {context} = reading(entra, stub.url, {options: {track_changes: true}})
    expect(await messageOf(currentBookmark(context))).to.contain('Turn on Track changes')
  })
})
