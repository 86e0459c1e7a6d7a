import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {PROJECT, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {lorchestra, temporaryFolder, type CliResult} from '../../support/cli.ts'
import {clinicAccount, clinicEnv} from '../../support/clinic-yaml.ts'
import {contacts} from '../../support/dataverse-rows.ts'
import {startDataverseServer} from '../../support/dataverse-server.ts'
import {documentedQueries} from '../../support/documented-queries.ts'
import {startEntraServer} from '../../support/entra-server.ts'
import {startGmailServer} from '../../support/gmail-server.ts'
import {mailbox} from '../../support/mailbox.ts'

const JOBS = ['gmail_ingest_acct1', 'dataverse_ingest_contacts']

describe('the ten queries of the page of tables, on BigQuery', () => {
  let emulator: Emulator
  before(async () => {
    emulator = await startEmulator()
  })
  after(async () => {
    await emulator.stop()
  })

  it('are answered from what runs have made', async () => {
    const now = new Date()
    const folder = await temporaryFolder()
    const gmail = await startGmailServer(mailbox(6, {now}))
    const entra = await startEntraServer(folder)
    const dataverse = await startDataverseServer({contacts: contacts(4, {now})})
    const run = async (...args: readonly string[]): Promise<CliResult> => {
      const result = await lorchestra(args, {cwd: folder, env: {...gmail.env, ...clinicEnv(entra)}})
      expect(result.code, `${args.join(' ')}: ${result.stderr}`).to.equal(0)
      return result
    }
    try {
      await writeFile(
        join(folder, 'lorchestra.yaml'),
        `warehouse: {type: bigquery, project: ${PROJECT}, dataset: ${await emulator.createDataset()}, api_endpoint: '${emulator.url}'}
accounts:
${gmail.accountYaml}${clinicAccount({url: dataverse.url, entra})}jobs:
  gmail_ingest_acct1: {account: acct1}
  dataverse_ingest_contacts: {account: clinic, entity: contact}
`,
      )
      await run('warehouse', 'create')
      await run('run', ...JOBS)
      for (const job of JOBS) await run('views', 'create', job)
    } finally {
      await Promise.all([gmail.close(), entra.close(), dataverse.close()])
    }
    const counts: number[] = []
    for (const {bigquery} of documentedQueries) {
      const {rows} = JSON.parse((await run('query', '--json', bigquery)).stdout) as {rows: readonly unknown[]}
      counts.push(rows.length)
    }
    const nothingIsRejected = 8
    const noAddressIsShared = 4
    expect(counts).to.have.length(10)
    expect(counts.flatMap((count, index) => (count === 0 ? [index] : []))).to.deep.equal([
      noAddressIsShared,
      nothingIsRejected,
    ])
  })
})
