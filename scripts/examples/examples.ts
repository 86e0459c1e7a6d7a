import {appendFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {startGmailServer} from '../../test/support/gmail-server.ts'
import {mailbox} from '../../test/support/mailbox.ts'
import {withLocalJobs} from '../local-jobs.ts'
import type {Caption} from './terminal-picture.ts'
import {startTickets, TICKETS_TOKEN} from './tickets.ts'

/** Where the commands of a page are run, and what happens meanwhile. */
export interface Example {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** What is done before the first command of the page. */
  readonly before?: readonly string[]
  /** By the words with which the page tells of it. */
  readonly events?: Readonly<Record<string, () => Promise<void>>>
  /** What is drawn of what commands of the page print, by the command. */
  readonly pictures?: Readonly<Record<string, Caption & {readonly file: string}>>
  /** What stands for addresses of this machine. */
  readonly shown?: Readonly<Record<string, string>>
}

type Use = (example: Example) => Promise<void>

/** What each page of docs/ needs around its commands. */
export const EXAMPLES: Readonly<Record<string, (use: Use) => Promise<void>>> = {
  'demo.md': async (use) =>
    withLocalJobs(async ({folder, env, spoilContacts}) =>
      use({
        folder,
        env,
        events: {'a bad import writes one address over twelve contacts': spoilContacts},
        pictures: {
          'lorchestra run dataverse_ingest_contacts --dry-run --diff --diff-samples 1': {
            file: 'pictures/diff.svg',
            title: 'A dry run that shows its diff, in a terminal',
            description:
              'lorchestra run dataverse_ingest_contacts --dry-run --diff: twelve contacts would be updated, none inserted. It names the members that change, and shows of one contact each value as production has it and as the source has it now: a bad import has written noreply@example.com over its address. Nothing was written.',
          },
        },
      }),
    ),

  'second-account.md': async (use) =>
    withLocalJobs(async ({folder, env}) => {
      const gmail = await startGmailServer(mailbox(40, {now: new Date(), owner: 'grace@example.com', seed: 'second'}), {
        owner: 'grace@example.com',
        account: 'acct2',
      })
      try {
        await change(join(folder, 'lorchestra.yaml'), (yaml) =>
          yaml
            .replace(/ {2}clinic:[^]*?(?=^jobs:)/m, gmail.accountYaml)
            .replace(/ {2}dataverse_ingest_contacts:[^]*/, '  gmail_ingest_acct2:\n    account: acct2\n'),
        )
        await use({
          folder,
          env: {...env, ...gmail.env},
          before: ['lorchestra run gmail_ingest_acct1'],
          shown: {[gmail.url]: 'https://gmail.googleapis.com'},
        })
      } finally {
        await gmail.close()
      }
    }),

  'go-back.md': async (use) =>
    withLocalJobs(async ({folder, env, spoilContacts}) =>
      use({
        folder,
        env,
        before: ['lorchestra run dataverse_ingest_contacts', 'lorchestra run gmail_ingest_acct1 --test-table'],
        events: {'a bad import wrote one address over twelve contacts': spoilContacts},
      }),
    ),

  'tables.md': async (use) =>
    withLocalJobs(async ({folder, env}) =>
      use({
        folder,
        env,
        before: ['lorchestra run gmail_ingest_acct1 dataverse_ingest_contacts'],
      }),
    ),

  'files.md': async (use) =>
    inFolder(async (folder) => {
      const sales = async (day: string, rows: readonly string[]): Promise<void> => {
        await mkdir(join(folder, 'incoming'), {recursive: true})
        await writeFile(join(folder, 'incoming', `sales-${day}.csv`), ['id,article,amount', ...rows, ''].join('\n'))
      }
      const gmail = await startGmailServer(mailbox(240, {now: new Date()}))
      try {
        await use({
          folder,
          env: {},
          events: {
            'the first files come': async () => {
              await sales('2026-01-01', ['1001,tea,3.50', '1002,cake,4.20'])
              await sales('2026-01-02', ['1003,tea,3.50', '1004,"bread, dark",5.10'])
            },
            'the next night: one more file, and a line more in another one': async () => {
              await sales('2026-01-03', ['1006,cake,4.20'])
              await appendFile(join(folder, 'incoming', 'sales-2026-01-02.csv'), '1005,tea,3.50\n')
            },
            'the archive of Takeout is unpacked, and lorchestra.yaml is the one above': async () => {
              await mkdir(join(folder, 'Takeout', 'Mail'), {recursive: true})
              const old = mailbox(240, {now: new Date()}).slice(0, 200)
              await writeFile(join(folder, 'Takeout', 'Mail', 'All mail.mbox'), Buffer.concat(old.map(inMbox)))
              await writeFile(
                join(folder, '.env'),
                Object.entries(gmail.env)
                  .map((pair) => pair.join('='))
                  .join('\n'),
              )
              await writeFile(
                join(folder, 'lorchestra.yaml'),
                `accounts:
  old_mail: {source: files, source_system: gmail--acct1}
${gmail.accountYaml}jobs:
  takeout: {account: old_mail, object: email, path: Takeout/Mail/*.mbox}
  gmail_ingest_acct1: {account: acct1, units_per_minute: 1000000}
`,
              )
            },
          },
        })
      } finally {
        await gmail.close()
      }
    }),

  'rest.md': async (use) =>
    inFolder(async (folder) => {
      const tickets = await startTickets(250)
      const yaml = (job: string): string => `accounts:
  desk:
    source: rest
    base_url: ${tickets.url}/v2
    auth: {type: bearer, token: "\${DESK_TOKEN}"}
jobs:
  tickets:
    account: desk
    object: ticket
    path: /tickets
${job}`
      try {
        await writeFile(join(folder, 'lorchestra.yaml'), yaml('    records: items\n    key: id\n'))
        await use({
          folder,
          env: {DESK_TOKEN: TICKETS_TOKEN},
          shown: {[tickets.url]: 'https://api.example.com'},
          events: {
            'lorchestra.yaml says what was found': async () =>
              writeFile(
                join(folder, 'lorchestra.yaml'),
                yaml(`    records: data.items
    key: id
    pages: {by: cursor, path: meta.next, param: cursor}
    window: {since: updated_after, until: updated_before, field: updated_at}
`),
              ),
          },
        })
      } finally {
        await tickets.close()
      }
    }),
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'lorchestra-docs-')))
  try {
    await use(folder)
  } finally {
    await rm(folder, {recursive: true, force: true})
  }
}

async function change(path: string, edit: (text: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, 'utf8')))
}

/** As Takeout writes it: the id in decimal, and labels in a header. */
function inMbox({id, threadId, received, labels, raw}: ReturnType<typeof mailbox>[number]): Buffer {
  const [day = '', date, month, year, time] = received.toUTCString().split(' ')
  const decimal = (hexadecimal: string): string => BigInt(`0x${hexadecimal}`).toString()
  const text = raw
    .toString('latin1')
    .replaceAll('\r\n', '\n')
    .replaceAll(/^(>*From )/gm, '>$1')
  return Buffer.from(
    `From ${decimal(id)}@xxx ${day.slice(0, 3)} ${month} ${date} ${time} +0000 ${year}\nX-GM-THRID: ${decimal(threadId)}\nX-Gmail-Labels: ${labels.join(',')}\n${text}\n\n`,
    'latin1',
  )
}
