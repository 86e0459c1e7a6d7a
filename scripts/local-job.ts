import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {startGmailServer, type GmailServer} from '../test/support/gmail-server.ts'
import {mailbox} from '../test/support/mailbox.ts'

export const MESSAGES = 240

export interface LocalJob {
  readonly server: GmailServer
  /** Holds lorchestra.yaml with the job gmail_ingest_acct1, and later the DuckDB file. */
  readonly folder: string
  readonly database: string
}

/** A real Gmail API on this machine and a folder with the job that reads it, as long as `use` takes. */
export async function withLocalJob(use: (job: LocalJob) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-'))
  try {
    const server = await startGmailServer(mailbox(MESSAGES, {now: new Date()}))
    try {
      const accounts = `accounts:\n${server.accountYaml}`
      const jobs = 'jobs:\n  gmail_ingest_acct1:\n    account: acct1\n'
      await writeFile(
        join(folder, 'lorchestra.yaml'),
        `warehouse:\n  type: duckdb\n  path: lorchestra.duckdb\n${accounts}${jobs}`,
      )
      await use({server, folder, database: join(folder, 'lorchestra.duckdb')})
    } finally {
      await server.close()
    }
  } finally {
    await rm(folder, {recursive: true, force: true})
  }
}
