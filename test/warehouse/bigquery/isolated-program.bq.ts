import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {ACCOUNTS, isolatedBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {lorchestra, type CliResult} from '../../support/cli.ts'
import {startGmailServer, type GmailServer} from '../../support/gmail-server.ts'
import {mailbox} from '../../support/mailbox.ts'

const JOB = 'gmail_ingest_acct1'

describe('the program on BigQuery with an identity for each mode', () => {
  const suite = isolatedBigQueryForEachTest()
  let gmail: GmailServer
  before(async () => (gmail = await startGmailServer(mailbox(5, {now: new Date()}))))
  after(async () => gmail.close())
  beforeEach(async () => {
    const {project, dataset, testDataset, serviceEndpoint, iamEndpoint} = suite.underTest.connection
    await writeFile(
      join(suite.folder, 'lorchestra.yaml'),
      `warehouse:
  type: bigquery
  project: ${project}
  dataset: ${dataset}
  test_dataset: ${testDataset}
  service_endpoint: ${serviceEndpoint}
  iam_endpoint: ${iamEndpoint}
  identities:
    dry_run: ${ACCOUNTS.nothing}
    test_table: ${ACCOUNTS.test}
    production: ${ACCOUNTS.production}
accounts:
${gmail.accountYaml}jobs:
  ${JOB}:
    account: acct1
`,
    )
  })
  const run = async (line: string): Promise<CliResult> =>
    lorchestra(line.split(' '), {
      cwd: suite.folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        GOOGLE_APPLICATION_CREDENTIALS: suite.underTest.connection.credentialsFile ?? '',
        ...gmail.env,
      },
    })
  /** Runs it, and says who asked BigQuery. */
  const accountsOf = async (line: string): Promise<readonly string[]> => {
    suite.rights.forget()
    const {code, stderr} = await run(line)
    expect(code, `${line}: ${stderr}`).to.equal(0)
    expect(
      suite.rights.judged.filter(({isRefused}) => isRefused),
      line,
    ).to.deep.equal([])
    return [...new Set(suite.rights.judged.map(({account}) => account))]
  }

  it('is for every command the one that may do what it does, and no more', async () => {
    const {nothing, test, production} = ACCOUNTS
    for (const [line, account] of [
      ['warehouse create', production],
      [`run ${JOB} --dry-run --diff`, nothing],
      [`run ${JOB} --test-table`, test],
      [`test compare ${JOB}`, nothing],
      ['test list', nothing],
      [`test promote ${JOB}`, production],
      ['test drop', test],
      [`test seed ${JOB}`, test],
      [`run ${JOB} --dry-run --diff --out plan`, nothing],
      ['apply plan', production],
      [`run ${JOB}`, production],
      ['runs list', nothing],
      ['warehouse show', nothing],
    ] as const)
      expect(await accountsOf(line), line).to.deep.equal([account])
  })

  it('tells in doctor what each mode may do', async () => {
    const {stdout} = await run('doctor --json')
    const {findings} = JSON.parse(stdout) as {findings: readonly Record<string, string>[]}
    expect(findings.filter(({check}) => check === 'rights')).to.deep.equal([
      {
        check: 'rights',
        subject: 'production',
        status: 'ok',
        found: `may write event_log and raw_objects, as ${ACCOUNTS.production}`,
      },
      {
        check: 'rights',
        subject: 'dry-run',
        status: 'ok',
        found: `dry runs cannot write production: proved by IAM, as ${ACCOUNTS.nothing}`,
      },
      {
        check: 'rights',
        subject: 'test-table',
        status: 'ok',
        found: `test runs cannot write production: proved by IAM, as ${ACCOUNTS.test}`,
      },
    ])
    expect(findings.filter(({status}) => status === 'failed')).to.deep.equal([])
  })
})
