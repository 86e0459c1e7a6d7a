import {resolve} from 'node:path'

import {LorchestraCommand} from '../cli/command.ts'
import {usageError} from '../base/errors.ts'
import {NAME, NAME_ADVICE} from '../model/name.ts'
import {Flags} from '../base/oclif.ts'
import {addToGitIgnore} from '../cli/starter/git-ignore.ts'
import {STARTER, STARTER_FILE_NAMES, starterFiles, starterJobName, starterTrial} from '../cli/starter/starter-files.ts'
import {assertNoFileExists, writeStarterFiles} from '../cli/starter/write-files.ts'
import type {InitDocument} from '../report/documents/init.ts'
import {kindOf, WAREHOUSE_KINDS} from '../warehouse/kinds.ts'

const [DEFAULT, OTHER = DEFAULT] = WAREHOUSE_KINDS

export default class Init extends LorchestraCommand {
  static override readonly summary = 'Write a commented lorchestra.yaml, .env.example and .gitignore to start from'
  static override readonly description =
    'On a terminal it asks for what the flags leave open; elsewhere it takes the defaults. Files that are there already are never touched, but for a .gitignore, which gets the lines that keep .env and the data out of version control.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    `<%= config.bin %> <%= command.id %> --account work --warehouse ${OTHER.type}`,
    '<%= config.bin %> <%= command.id %> --directory ingestion',
  ]

  static override readonly flags = {
    source: Flags.string({
      description: `source to read, one of \`lorchestra sources list\` (default: ${STARTER.source})`,
      helpValue: 'SOURCE',
    }),
    account: Flags.string({
      description: `a name of yours for the account whose data it is (default: ${STARTER.account})`,
      helpValue: 'ACCOUNT',
    }),
    warehouse: Flags.option({options: WAREHOUSE_KINDS.map(({type}) => type)})({
      description: `where the data goes (default: ${DEFAULT.type})`,
    }),
    directory: Flags.string({
      description: 'folder to write to, instead of this one',
      helpValue: 'FOLDER',
      default: '.',
    }),
  }

  override async run(): Promise<InitDocument> {
    const {flags} = await this.parse(Init)
    const {source, account, warehouse, directory} = flags
    // Nobody is asked in vain.
    await assertNoFileExists(directory, STARTER_FILE_NAMES)
    if (account !== undefined && !NAME.test(account)) throw notAName('--account', account)
    const [{findSources, listSources, loadSource}, {starterAsksForLogin}, {schemaReference}] = await Promise.all([
      import('../sources/source-plugins.ts'),
      import('../sources/add-account.ts'),
      import('../cli/starter/schema-reference.ts'),
    ])
    const given = {
      ...(source !== undefined && {source}),
      ...(account !== undefined && {account}),
      ...(warehouse !== undefined && {warehouse}),
    }
    const asks = process.stdin.isTTY && process.stdout.isTTY && !this.jsonEnabled()
    const answers = asks
      ? await (
          await import('../cli/starter/ask-for-starter.ts')
        ).askForStarter(given, (await listSources(this.config)).sources, WAREHOUSE_KINDS)
      : {...STARTER, warehouse: DEFAULT.type, ...given}
    const job = starterJobName(answers)
    if (!NAME.test(job)) throw notAName('the job', job)
    const found = await findSources(this.config)
    const loaded = await loadSource(found, answers.source, {folder: directory, paths: [], allow: []})
    const signsIn = await starterAsksForLogin(loaded.source)
    const files = await starterFiles({
      source: loaded.source,
      account: answers.account,
      warehouse: kindOf({type: answers.warehouse}),
      kinds: WAREHOUSE_KINDS,
      schema: schemaReference(this.config.root, directory),
    })
    const made = await writeStarterFiles(directory, files)
    const ignored = ['.env', '*.lorplan', ...WAREHOUSE_KINDS.flatMap(({starter}) => starter.ignored)]
    const gitIgnore = await addToGitIgnore(directory, ignored)
    const written = [...made, ...(gitIgnore === undefined ? [] : [gitIgnore])]
    const needsValues = /^\w+=$/m.test(files['.env.example'] ?? '')
    const next = [
      ...(resolve(directory) === process.cwd() ? [] : [`cd ${inShell(directory)}`]),
      ...(needsValues ? ['Copy .env.example to .env and fill it in.'] : []),
      ...(loaded.source.starter === undefined
        ? []
        : [`Say what to read: what stands in lorchestra.yaml below accounts and jobs is an example.`]),
      '`lorchestra doctor` says what is missing.',
      ...(signsIn
        ? [
            `\`lorchestra accounts login ${answers.account}\` signs in, unless lorchestra.yaml is to take a token of .env.`,
          ]
        : []),
      `${await starterTrial({...answers, source: loaded.source})} tries it and writes nothing.`,
    ]
    this.log([`Wrote ${new Intl.ListFormat('en').format(written)}.`, ...next.map((line) => `  → ${line}`)].join('\n'))
    return {schema: 1, written, job}
  }
}

/** Quotes what a shell would take apart. */
const inShell = (path: string): string =>
  /^[\w./\\:~-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`

const notAName = (what: string, name: string): Error =>
  usageError(`${what}: ${JSON.stringify(name)} is not a name`, {code: 'E_NAME_INVALID', next: NAME_ADVICE})
