import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {EVENT_LOG, RAW_OBJECTS, type TableDefinition} from '../../src/model/tables.ts'
import {lorchestra, temporaryFolder} from '../support/cli.ts'
import {clinicEnv, clinicYaml} from '../support/clinic-yaml.ts'
import {change, query} from '../support/database.ts'
import {contacts} from '../support/dataverse-rows.ts'
import {startDataverseServer} from '../support/dataverse-server.ts'
import {documentedQueries, tablesPage} from '../support/documented-queries.ts'
import {startEntraServer} from '../support/entra-server.ts'
import {startGmailServer} from '../support/gmail-server.ts'
import {mailbox} from '../support/mailbox.ts'

const queries = documentedQueries.map(({duckdb}) => duckdb)

const tableOf = ({columns}: TableDefinition): string =>
  [
    '| column | type | |',
    '|---|---|---|',
    ...columns.map(
      ({name, type, required, description}) =>
        `| \`${name}\` | ${type}${required ? '' : ', may be NULL'} | ${description} |`,
    ),
    '',
  ].join('\n')

describe('the page of tables', () => {
  it('has every column of both tables, as they are defined', () => {
    for (const definition of [RAW_OBJECTS, EVENT_LOG]) expect(tablesPage).to.include(tableOf(definition))
  })

  it('has ten queries, which a file that runs have made answers', async () => {
    const now = new Date()
    const folder = await temporaryFolder()
    const gmail = await startGmailServer(mailbox(12, {now}))
    const entra = await startEntraServer(folder)
    const dataverse = await startDataverseServer({contacts: contacts(20, {now})})
    try {
      const [accounts = '', jobs = ''] = clinicYaml({
        url: dataverse.url,
        entra,
        jobs: {dataverse_ingest_contacts: 'entity: contact'},
      }).split('jobs:\n')
      await writeFile(
        join(folder, 'lorchestra.yaml'),
        `${accounts}${gmail.accountYaml}jobs:\n${jobs}  gmail_ingest_acct1: {account: acct1}\n`,
      )
      for (const line of ['run *', 'views create dataverse_ingest_contacts', 'views create gmail_ingest_acct1']) {
        const {code, stderr} = await lorchestra(line.split(' '), {
          cwd: folder,
          env: {...gmail.env, ...clinicEnv(entra)},
        })
        expect(code, stderr).to.equal(0)
      }
    } finally {
      await Promise.all([gmail.close(), entra.close(), dataverse.close()])
    }

    const database = join(folder, 'lorchestra.duckdb')
    const answers = []
    for (const sql of queries) answers.push(await query(database, sql))
    expect(queries).to.have.length(10)
    const counts = answers.map((rows) => rows.length)
    const nothingIsRejected = 8
    const noAddressIsShared = 4
    expect(counts.flatMap((count, index) => (count === 0 ? [index] : []))).to.deep.equal([
      noAddressIsShared,
      nothingIsRejected,
    ])
    expect(answers[0]?.[0]).to.include({source_system: 'dataverse--clinic', object_type: 'contact', records: '20'})
    expect(answers[6]?.map(({job, inserted}) => [job, inserted])).to.deep.include(['dataverse_ingest_contacts', '20'])

    const living = queries[5] ?? ''
    const stored = counts[5] ?? 0
    const event = `'gone', 'object.deleted', 'dataverse--clinic', 'contact', (SELECT max(idem_key) FROM raw_objects), 'a-run', NULL, now(), 'ok', NULL, NULL`
    const undone = `'undone', 'run.undone', 'lorchestra', 'job_run', NULL, 'an-undo', NULL, now(), 'ok', NULL, '{"runs": ["a-run"]}'`
    await change(database, `INSERT INTO event_log VALUES (${event})`)
    expect(await query(database, living)).to.have.length(stored - 1)
    await change(database, `INSERT INTO event_log VALUES (${undone})`)
    expect(await query(database, living)).to.have.length(stored)
  })
})
