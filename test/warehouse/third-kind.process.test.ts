import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {homeOfTest, temporaryFolder} from '../support/cli.ts'
import {startGmailServer, type GmailServer} from '../support/gmail-server.ts'
import {mailbox} from '../support/mailbox.ts'
import {commandsWithMemory, type EndedCommand} from '../support/memory/commands.ts'

const JOB = 'gmail_ingest_acct1'

describe('a third kind of warehouse, known by its descriptor alone', () => {
  describe('works in the program, whose list of kinds it stands in:', () => {
    let gmail: GmailServer
    let folder = ''
    before(async () => {
      gmail = await startGmailServer(mailbox(3, {now: new Date()}))
    })
    after(async () => gmail.close())
    beforeEach(async () => {
      folder = await temporaryFolder()
    })

    const run = async (...lines: readonly string[]): Promise<readonly EndedCommand[]> =>
      commandsWithMemory(
        lines.map((line) => line.split(' ')),
        {cwd: folder, home: await homeOfTest(), env: {...gmail.env, MEMORY_DATABASE: 'scratch'}},
      )
    const documentOf = ({stdout}: EndedCommand | undefined = {code: -1, stdout: ''}) =>
      JSON.parse(stdout) as Readonly<Record<string, unknown>>
    const configure = async (warehouse = ''): Promise<void> =>
      writeFile(
        join(folder, 'lorchestra.yaml'),
        `${warehouse}accounts:\n${gmail.accountYaml}jobs:\n  ${JOB}:\n    account: acct1\n`,
      )

    it('init writes its lines, with the other kinds in comments, and jobs show prints its settings', async () => {
      const [init, jobs] = await run('init --warehouse memory', `jobs show ${JOB} --json`)
      expect(init?.code).to.equal(0)
      const yaml = await readFile(join(folder, 'lorchestra.yaml'), 'utf8')
      expect(yaml).to.include('BigQuery if EVENTS_BQ_DATASET is set, Memory if MEMORY_DATABASE is set,\n')
      expect(yaml).to.include('\nwarehouse:\n  type: memory\n  database: ${MEMORY_DATABASE}\n')
      for (const other of ['duckdb', 'bigquery']) expect(yaml).to.include(`\n#   type: ${other}\n`)
      expect(await readFile(join(folder, '.env.example'), 'utf8')).to.include('\nMEMORY_DATABASE=\n')
      expect(documentOf(jobs)['job']).to.deep.include({warehouse: {type: 'memory', database: 'scratch'}})
    })

    it('its variable chooses it where lorchestra.yaml names no warehouse', async () => {
      await configure()
      const [shown] = await run('warehouse show --json')
      expect(documentOf(shown)['warehouse']).to.equal('Memory')
    })

    it('its settings are checked, with the line and the column', async () => {
      await configure('warehouse:\n  type: memory\n  databse: x\n')
      const [refused] = await run('jobs list --json')
      expect([refused?.code, documentOf(refused)['error']]).to.deep.equal([
        2,
        {
          outcome: 'usage',
          code: 'E_CONFIG_INVALID',
          message: 'lorchestra.yaml:3:3: unknown key "databse" in a memory warehouse',
          next: 'Did you mean "database"?',
        },
      ])
      await configure('warehouse:\n  type: memroy\n')
      const [unknown] = await run('jobs list --json')
      expect(documentOf(unknown)['error']).to.deep.include({next: 'It is duckdb, bigquery, or memory.'})
    })

    it('doctor finds it healthy', async () => {
      await configure('warehouse: {type: memory, database: scratch}\n')
      const [doctor] = await run(`doctor ${JOB} --json`)
      expect(doctor?.code, doctor?.stdout).to.equal(0)
      const {findings} = documentOf(doctor) as {findings: readonly {check: string; subject: string; found: string}[]}
      expect(findings.filter(({check}) => check === 'warehouse')).to.deep.equal([
        {check: 'warehouse', subject: 'Memory', status: 'ok', found: 'can be written'},
      ])
    })

    it('run keeps the three modes apart in it, and goes on where the last run ended', async () => {
      await configure('warehouse: {type: memory, database: scratch}\n')
      const [dry, afterDry, test, production, again, shown] = await run(
        `run ${JOB} --json --dry-run`,
        'warehouse show --json',
        `run ${JOB} --json --test-table`,
        `run ${JOB} --json`,
        `run ${JOB} --json`,
        'warehouse show --json',
      )
      const runs = [dry, test, production, again].map((ended) => {
        const [one] = documentOf(ended)['runs'] as readonly {mode: string; warehouse: string; counts: object}[]
        return one
      })
      expect([dry, test, production, again].map((ended) => ended?.code)).to.deep.equal([0, 0, 0, 0])
      expect(runs.map((one) => one?.mode)).to.deep.equal(['dry-run', 'test-table', 'production', 'production'])
      expect(runs.map((one) => one?.warehouse)).to.deep.equal(Array.from({length: 4}, () => 'Memory'))
      expect(runs[0]?.counts).to.include({extracted: 3, inserted: null})
      expect(runs[1]?.counts).to.include({extracted: 3, inserted: 3})
      expect(runs[2]?.counts).to.include({extracted: 3, inserted: 3})
      expect(runs[3]?.counts).to.include({inserted: 0})
      expect(rowsOf(afterDry)).to.deep.equal({production: [null, null], test: [null, null]})
      expect(rowsOf(shown).production[1]).to.equal(3)
      expect(rowsOf(shown).test[1]).to.equal(3)
    })

    function rowsOf(shown: EndedCommand | undefined) {
      type Tables = {readonly tables: readonly {readonly rows: number | null}[]}
      const {production, test_table: test} = documentOf(shown) as Readonly<Record<'production' | 'test_table', Tables>>
      return {production: production.tables.map(({rows}) => rows), test: test.tables.map(({rows}) => rows)}
    }
  })
})
