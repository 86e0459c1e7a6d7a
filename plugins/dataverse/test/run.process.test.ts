import {readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {Random} from '../../../test/support/random.ts'
import {temporaryFolder} from '../../../test/support/cli.ts'
import {clinicEnv, clinicYaml} from '../../../test/support/clinic-yaml.ts'
import {query} from '../../../test/support/database.ts'
import {contacts, guid, reports, sessions} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer, type DataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import {createProject, exists, untilStderrHas, type Project} from '../../../test/support/external-source.ts'
import {passTo, startFaultProxy} from '../../../test/support/fault-proxy.ts'

const now = new Date('2026-03-01T12:00:00Z')
const KEYS = {
  contacts: 'contactid',
  cre92_clientsessions: 'cre92_clientsessionid',
  cre92_clientreports: 'cre92_clientreportid',
}
const SEED = 20_240_301
const ROWS = 20_000
const JOBS = {
  dataverse_ingest_contacts: 'entity: contact',
  dataverse_ingest_sessions: 'entity: cre92_clientsession, page_size: 100',
  dataverse_ingest_reports: 'entity: cre92_clientreport',
}

const RECENT = ['--since', '2026-02-15']
/** Seconds. */
const PAUSE = 2

type EntitySet = keyof typeof KEYS

describe('runs that read Dataverse', () => {
  const tables = {
    contacts: contacts(ROWS, {now}),
    // Some of 30,000 tokens.
    cre92_clientsessions: sessions(ROWS, {now, characters: (index) => (index % 100 === 0 ? 120_000 : 400)}),
    cre92_clientreports: reports(ROWS, {now}),
  }
  const recent = tables.cre92_clientreports.filter(({modifiedon}) => modifiedon >= '2026-02-15').length
  let entra: EntraServer
  let server: DataverseServer

  before(async () => {
    entra = await startEntraServer(await temporaryFolder())
    server = await startDataverseServer(tables)
  })
  after(async () => {
    await server.close()
    await entra.close()
  })

  const projectAt = async (url: string): Promise<Project> =>
    createProject({home: await temporaryFolder(), yaml: clinicYaml({url, entra, jobs: JOBS})})
  const run = async (project: Project, ...args: string[]) => {
    const result = await project.run(['run', ...args], clinicEnv(entra))
    expect(result.code, result.stdout + result.stderr).to.equal(0)
    return result.stdout
  }

  /** What is stored, row by row, beside what the server itself holds. */
  async function expectSameRows(project: Project, entitySet: EntitySet, objectType: string): Promise<void> {
    const stored = await query(
      project.database,
      `SELECT idem_key, payload::VARCHAR AS payload FROM raw_objects WHERE object_type = '${objectType}'`,
    )
    const payloads = new Map(
      stored.map((row) => [row['idem_key'], JSON.parse(String(row['payload'])) as Record<string, unknown>]),
    )
    const rows = server.stored(entitySet)
    expect(rows.length).to.be.at.least(tables[entitySet].length)
    expect(payloads.size).to.equal(rows.length)
    for (const row of rows) {
      const key = `${objectType}:dataverse--clinic:${String(row[KEYS[entitySet]])}`
      const {'@odata.etag': _etag, ...payload} = payloads.get(key) ?? {}
      expect(payload, key).to.deep.equal({...row})
    }
  }

  it('store three tables as the server holds them, and change nothing the second time', async () => {
    const project = await projectAt(server.url)
    const stdout = await run(project, 'dataverse_*')
    expect(stdout.match(/20,000 extracted, 20,000 inserted/g)).to.have.length(3)
    await expectSameRows(project, 'contacts', 'contact')
    await expectSameRows(project, 'cre92_clientsessions', 'cre92_clientsession')
    await expectSameRows(project, 'cre92_clientreports', 'cre92_clientreport')
    expect((await run(project, 'dataverse_*')).match(/: 0 extracted/g)).to.have.length(3)
  })

  it('bring the rows that changed since, and rows that were committed late', async () => {
    const project = await projectAt(server.url)
    await run(project, 'dataverse_ingest_contacts')
    const fiveMinutesAgo = new Date(Date.now() - 5 * 60_000).toISOString()
    await server.update('contacts', guid('contact 3'), {fullname: 'changed', modifiedon: new Date().toISOString()})
    await server.insert('contacts', {contactid: guid('late'), fullname: 'committed late', modifiedon: fiveMinutesAgo})
    expect(await run(project, 'dataverse_ingest_contacts')).to.contain('2 extracted, 1 inserted, 1 updated')
    await expectSameRows(project, 'contacts', 'contact')
  })

  it('go on with what a person got who signed in with a code', async () => {
    const project = await projectAt(server.url)
    const yaml = await readFile(join(project.folder, 'lorchestra.yaml'), 'utf8')
    await project.write(
      'lorchestra.yaml',
      yaml.replace(entra.clientId, entra.publicClientId).replace(/^ *client_secret.*\n/m, ''),
    )
    const refused = await project.run(['run', 'dataverse_ingest_reports'], clinicEnv(entra))
    expect(refused.code).to.equal(2)
    expect(refused.stderr).to.contain('account clinic is not signed in yet').and.to.contain('accounts login clinic')
    expect(await exists(project.database), 'nothing is begun').to.equal(false)
    const login = await project.start(['accounts', 'login', 'clinic', '--no-browser'], clinicEnv(entra))
    let told = ''
    login.process.stderr?.on('data', (text: string) => {
      const code = /Enter the code ([\w-]+)/.exec((told += text))?.[1]
      if (code === undefined) return
      told = ''
      void entra.approve(code, 'ada@example.com')
    })
    const result = await login.result
    expect(result.code, result.stderr).to.equal(0)
    expect(result.stderr).to.contain('Signed in as ada@example.com')
    expect(await run(project, 'dataverse_ingest_reports', ...RECENT)).to.contain(
      `${recent} extracted, ${recent} inserted`,
    )
    expect(entra.requests.filter((request) => request.endsWith('/devicecode'))).to.have.length(1)
  })

  it('write nothing in a dry run, and only test tables in a test run', async () => {
    const project = await projectAt(server.url)
    expect(await run(project, 'dataverse_ingest_reports', ...RECENT, '--dry-run')).to.contain(`${recent} extracted`)
    await run(project, 'dataverse_ingest_reports', ...RECENT, '--test-table')
    const names = await query(project.database, 'SELECT table_name AS name FROM information_schema.tables ORDER BY 1')
    expect(names).to.deep.equal([{name: 'test_event_log'}, {name: 'test_raw_objects'}])
  })

  it('of one account wait together when Dataverse asks one of them to, and send nothing meanwhile', async () => {
    const proxy = await startFaultProxy()
    try {
      const arrivals: number[] = []
      const held = Promise.withResolvers<void>()
      const told = Promise.withResolvers<void>()
      let refusedAt: number | undefined
      await proxy.rules.forAnyRequest().thenCallback(async (request) => {
        if (refusedAt !== undefined) arrivals.push(performance.now())
        // Begun before the refusal, and answered when the program knows of it.
        if (request.path.includes('clientreports') && refusedAt === undefined) {
          held.resolve()
          await told.promise
        }
        if (request.path.includes('contacts?') && refusedAt === undefined) {
          await held.promise
          refusedAt = performance.now()
          return {statusCode: 429, headers: {'retry-after': String(PAUSE)}, json: {error: {code: '0x80072322'}}}
        }
        return passTo(server.url)(request)
      })
      const project = await projectAt(proxy.url)
      const running = await project.start(
        ['run', 'dataverse_*', '--concurrency', '2', '--since', '2025-12-01'],
        clinicEnv(entra),
      )
      await untilStderrHas(running, 'all requests wait')
      told.resolve()
      const {code, stdout, stderr} = await running.result
      expect(code, stdout + stderr).to.equal(0)
      expect(arrivals.length).to.be.above(10)
      expect(Math.min(...arrivals) - (refusedAt ?? Infinity)).to.be.at.least(PAUSE * 1000)
      expect(stdout.match(/2,\d\d\d extracted, 2,\d\d\d inserted/g)).to.have.length(3)
    } finally {
      await proxy.close()
    }
  })

  it('lose nothing when they are killed at any page', async () => {
    const proxy = await startFaultProxy()
    try {
      const pages: (() => void)[] = []
      await proxy.rules.forGet('/api/data/v9.2/contacts').thenCallback(async (request) => {
        pages.shift()?.()
        return passTo(server.url)(request)
      })
      await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
      const project = await projectAt(proxy.url)
      const random = new Random(SEED)
      for (let kill = 0; kill < 4; kill += 1) {
        const page = random.integer(1, 6)
        const killed = await project.start(['run', 'dataverse_ingest_contacts'], clinicEnv(entra))
        pages.push(...Array.from({length: page - 1}, () => () => undefined), () => killed.process.kill('SIGKILL'))
        expect((await killed.result).signal).to.equal('SIGKILL')
      }
      await run(project, 'dataverse_ingest_contacts')
      await expectSameRows(project, 'contacts', 'contact')
    } finally {
      await proxy.close()
    }
  })
})
