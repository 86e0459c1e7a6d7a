import {expect} from 'chai'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {clinicEnv, clinicYaml} from '../../../test/support/clinic-yaml.ts'
import {events, query} from '../../../test/support/database.ts'
import {contacts, guid} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer, type DataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import {createProject, type Project} from '../../../test/support/external-source.ts'
import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'

/** What the job says beside its account, and what its run must say. */
const WRONG_OPTIONS: Readonly<Record<string, readonly [options: string, says: string]>> = {
  table: ['entity: contcat', 'there is no table contcat in'],
  table_set: ['entity: contacts', 'Did you mean contact?'],
  column: ['entity: contact, select: [surname]', 'Property "surname" does not exist'],
  filter: ['entity: contact, filter: statecode eq', 'Check select, filter and expand of the job'],
  expand: ['entity: contact, expand: nothing_here', '"nothing_here" is not defined'],
  set: ['entity: contact, entity_set: kontacts, primary_key: contactid', 'Check url, and entity_set'],
  text_for_time: ['entity: contact, cursor_field: fullname', 'fullname of contact holds no times'],
  number_for_time: ['entity: contact, cursor_field: statecode', 'statecode of contact holds no times'],
  text_for_key: ['entity: contact, entity_set: contacts, primary_key: fullname', 'fullname of contact holds no GUIDs'],
  feed: ['entity: contact, track_changes: true', 'Turn on Track changes for it, or remove track_changes'],
}

const ROW = `{"contactid":"${guid('contact 1')}","fullname":"secret"}`

/** What the server answers to a job, which is told from the others by its page size, and what its run must say. */
const WRONG_ANSWERS: Readonly<Record<string, readonly [pageSize: number, body: string, says: string]>> = {
  html: [11, '<html>secret</html>', 'not a JSON object'],
  error_inside: [
    12,
    `{"value":[${ROW}],"error":{"code":"0x1","message":"gave up"}}`,
    'middle of its answer: 0x1 gave up',
  ],
  cut: [13, `{"value":[${ROW},{"contactid":"secret`, 'not a JSON object'],
  odd_row: [14, `{"value":[${ROW},{"contactid":secret}]}`, 'a list in the answer is not JSON'],
  foreign_link: [
    15,
    `{"value":[${ROW}],"@odata.nextLink":"http://127.0.0.1:1/contacts?$skiptoken=2"}`,
    'was not followed',
  ],
}

describe('a Dataverse job that cannot be read', () => {
  let entra: EntraServer
  let server: DataverseServer
  let proxy: FaultProxy
  let project: Project

  before(async () => {
    entra = await startEntraServer(await temporaryFolder())
    server = await startDataverseServer({contacts: contacts(20, {now: new Date('2026-03-01T12:00:00Z')})})
  })
  after(async () => {
    await server.close()
    await entra.close()
  })
  beforeEach(async () => {
    proxy = await startFaultProxy()
    await proxy.rules.forGet('/api/data/v9.2/contacts').thenCallback(async (request) => {
      const size = Number(/maxpagesize=(\d+)/.exec(String(request.headers['prefer']))?.[1])
      const [, body] = Object.values(WRONG_ANSWERS).find(([pageSize]) => pageSize === size) ?? []
      return body === undefined ? passTo(server.url)(request) : {statusCode: 200, body}
    })
    await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
    const jobs = [
      ...Object.entries(WRONG_OPTIONS).map(([name, [options]]) => [name, options] as const),
      ...Object.entries(WRONG_ANSWERS).map(([name, [size]]) => [name, `entity: contact, page_size: ${size}`] as const),
    ]
    const slice = 'slice: 520w, start: 2020-01-01'
    project = await createProject({
      home: await temporaryFolder(),
      yaml: clinicYaml({
        url: proxy.url,
        entra,
        jobs: Object.fromEntries(jobs.map(([name, options]) => [`bad_${name}`, `${options}, ${slice}`])),
      }),
    })
  })
  afterEach(async () => {
    await proxy.close()
  })

  it('says what is wrong, prints no payload, stores nothing and counts nothing as read', async () => {
    const {code, stdout, stderr} = await project.run(['run', 'bad_*'], clinicEnv(entra))
    expect(code, stdout + stderr).to.equal(1)
    const told = new Map(
      [...(stdout + stderr).matchAll(/^✗ bad_(\w+): (.*)$/gm)].map(([, name = '', message = '']) => [name, message]),
    )
    for (const [name, [, says]] of Object.entries(WRONG_OPTIONS)) expect(told.get(name), name).to.contain(says)
    for (const [name, [, , says]] of Object.entries(WRONG_ANSWERS)) expect(told.get(name), name).to.contain(says)
    expect(stdout + stderr).not.to.contain('secret')
    expect(await query(project.database, 'SELECT idem_key FROM raw_objects')).to.deep.equal([])
    expect(await events(project.database, 'ingestion.completed')).to.deep.equal([])
  })
})
