import {expect} from 'chai'

import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import {temporaryFolder} from '../../../test/support/cli.ts'
import {query} from '../../../test/support/database.ts'
import {contacts, guid, type Contact} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer, type DataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import {folderForEachTest} from '../../../test/support/folder.ts'
import {databaseIn, scriptedRun, silentLog, type ScriptedRun} from '../../../test/support/scripted-run.ts'
import {options as schema} from '../src/options.ts'
import source from '../src/source.ts'

const DAY = 86_400_000
const ROWS = 240
const folder = folderForEachTest()

describe('a Dataverse job that says sweep: 7d', () => {
  const now = new Date()
  const rows = contacts(ROWS, {now: new Date(now.getTime() - 20 * DAY)})
  let entra: EntraServer
  let server: DataverseServer

  before(async () => {
    entra = await startEntraServer(await temporaryFolder())
  })
  after(async () => entra.close())
  beforeEach(async () => {
    server = await startDataverseServer({contacts: rows}, {pageSize: 50})
  })
  afterEach(async () => server.close())

  /** Runs as if it were so many days after the first day, and ten days after it today. */
  const run = async (day: number, options: object = {}, more: Partial<ScriptedRun> = {}) => {
    const report = await scriptedRun({
      source,
      folder: folder(),
      now: now.getTime() - (10 - day) * DAY,
      sweep: 7 * DAY,
      options: schema.parse({
        url: server.url,
        tenant_id: entra.tenantId,
        client_id: entra.clientId,
        client_secret: entra.clientSecret,
        authority: entra.url,
        entity: 'contact',
        ...options,
      }),
      http: createHttpClient({signal: new AbortController().signal, log: silentLog, backoffMs: 0}),
      ...more,
    })
    if (report.error !== undefined) throw report.error as Error
    return report
  }
  const stored = async (): Promise<ReadonlySet<unknown>> =>
    new Set((await query(databaseIn(folder()), 'SELECT external_id AS id FROM raw_objects')).map(({id}) => id))
  const late = (number: number, daysAgo: number): Contact => ({
    ...(rows[0] as Contact),
    contactid: guid(`late ${number}`),
    statecode: 0,
    modifiedon: new Date(now.getTime() - daysAgo * DAY).toISOString(),
  })

  it('finds rows that were inserted late, with a time that is long past', async () => {
    const first = await run(2)
    expect(first.swept).to.deep.equal({listed: ROWS, unknown: 0})
    const inserted = Array.from({length: 120}, (_, number) => late(number, 30))
    for (const row of inserted) await server.insert('contacts', row)
    await run(7)
    expect(await stored()).not.to.include(inserted[0]?.contactid)
    const {swept, counts} = await run(10)
    expect(swept).to.deep.equal({listed: ROWS + 120, unknown: 120})
    expect(counts).to.include({inserted: 120})
    expect(await stored()).to.include.members(inserted.map(({contactid}) => contactid))
    expect((await run(10, {}, {job: 'another'})).swept).to.deep.equal({listed: ROWS + 120, unknown: 0})
  })

  it('keeps to its filter, and to its start', async () => {
    const filter = 'statecode eq 0'
    const start = now.getTime() - 25 * DAY
    await run(2, {filter}, {start})
    const [wanted, inactive, old] = [late(1, 24), {...late(2, 24), statecode: 1}, late(3, 40)]
    for (const row of [wanted, inactive, old]) await server.insert('contacts', row)
    await run(10, {filter}, {start})
    const found = await stored()
    expect([wanted, inactive, old].map(({contactid}) => found.has(contactid))).to.deep.equal([true, false, false])
  })

  it('says what its windows can miss', () => {
    const missed = (options: object) =>
      source
        .streams(schema.parse({url: server.url, tenant_id: 't', client_id: 'c', entity: 'contact', ...options}))
        .map(({misses}) => misses)
    expect(missed({})).to.deep.equal([['late']])
    expect(missed({filter: 'statecode eq 0'})).to.deep.equal([['late', 'moved']])
    expect(missed({full: true})).to.deep.equal([[]])
  })
})
