import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {clinicAccount, clinicEnv} from '../test/support/clinic-yaml.ts'
import {contacts} from '../test/support/dataverse-rows.ts'
import {startDataverseServer} from '../test/support/dataverse-server.ts'
import {startEntraServer} from '../test/support/entra-server.ts'
import {startGmailServer} from '../test/support/gmail-server.ts'
import {mailbox} from '../test/support/mailbox.ts'

export const MESSAGES = 240
export const CONTACTS = 500
const SPOILED = 12

export interface LocalJobs {
  /** Where the Gmail API and the Dataverse table are. */
  readonly addresses: {readonly gmail: string; readonly dataverse: string}
  /** What lorchestra.yaml refers to, and the certificate of the local sign-in service. */
  readonly env: Readonly<Record<string, string>>
  /** Holds lorchestra.yaml with the jobs, and later the DuckDB file. */
  readonly folder: string
  readonly database: string
  /** Overwrites the address of some contacts at the source, as a bad import would. */
  readonly spoilContacts: () => Promise<void>
}

/** Real servers on this machine and a folder with the jobs that read them, as long as `use` takes. */
export async function withLocalJobs(use: (jobs: LocalJobs) => Promise<void>): Promise<void> {
  const now = new Date()
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-'))
  const close: (() => Promise<void>)[] = [async () => rm(folder, {recursive: true, force: true})]
  try {
    const gmail = await startGmailServer(mailbox(MESSAGES, {now}))
    close.push(async () => gmail.close())
    const entra = await startEntraServer(folder)
    close.push(async () => entra.close())
    const rows = contacts(CONTACTS, {now})
    const dataverse = await startDataverseServer({contacts: rows})
    close.push(async () => dataverse.close())
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      `warehouse:
  type: duckdb
  path: lorchestra.duckdb
accounts:
${gmail.accountYaml}${clinicAccount({url: dataverse.url, entra})}jobs:
  gmail_ingest_acct1:
    account: acct1
    units_per_minute: 1000000 # Google's quota would have it take a minute; this server has none
  dataverse_ingest_contacts:
    account: clinic
    entity: contact
`,
    )
    await use({
      addresses: {gmail: gmail.url, dataverse: dataverse.url},
      env: {...gmail.env, ...clinicEnv(entra)},
      folder,
      database: join(folder, 'lorchestra.duckdb'),
      spoilContacts: async () => {
        for (const {contactid} of rows.slice(0, SPOILED)) {
          const modifiedon = new Date().toISOString()
          await dataverse.update('contacts', contactid, {emailaddress1: 'noreply@example.com', modifiedon})
        }
      },
    })
  } finally {
    for (const one of close.toReversed()) await one()
  }
}
