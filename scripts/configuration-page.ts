import {readFile, writeFile} from 'node:fs/promises'

import {stringify} from 'yaml'

/** The parts of JSON Schema that the schema of lorchestra.yaml is made of. */
interface Schema {
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly examples?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

const INTRODUCTION = `# Keys of lorchestra.yaml

\`npm run generate\` writes this page from the schema that the program reads with; \`lorchestra.schema.json\` gives the same to editors.

## A whole file

\`lorchestra init\` asks which source, account and warehouse it is for (or takes \`--source\`, \`--account\` and \`--warehouse\`) and writes a commented one with what that source needs, and a \`.gitignore\` that keeps \`.env\` and the DuckDB file out of version control. It is looked for from the working directory upward; \`--config FILE\` names another. \`\${NAME}\` is an environment variable, or one of \`.env\` beside the file.

\`\`\`yaml
warehouse: # left out: BigQuery if EVENTS_BQ_DATASET is set, else DuckDB in ./lorchestra.duckdb
  type: duckdb
  path: lorchestra.duckdb # relative to this file
  # lock_timeout: 10m # how long a run that has read everything waits for another program to close the file
  # undo: 7d # commits keep for so long what they change, for \`lorchestra runs undo\`
  # event_log: event_log # or EVENT_LOG_TABLE
  # raw_objects: raw_objects # or RAW_OBJECTS_TABLE
accounts:
  acct1:
    source: gmail
    client_id: \${GMAIL_ACCT1_CLIENT_ID}
    client_secret: \${GMAIL_ACCT1_CLIENT_SECRET}
    # refresh_token: \${GMAIL_ACCT1_REFRESH_TOKEN} # left out: the one of \`lorchestra accounts login acct1\`
jobs:
  gmail_ingest_acct1:
    account: acct1 # \`--account\` swaps it for another one of the same source
    # start: 2024-01-01 # nothing from before this is read
    # overlap: 2d # how far a run reads back for late records
    # slice: 30d # the most time that is read at once
    # max_rejects: 100 # more unreadable records than this fail the run
    # mask: [/snippet, /payload/parts/*/body] # what the samples of a dry run never show; an account may have it, too
    # every other key goes to the source: \`lorchestra jobs show gmail_ingest_acct1\`
\`\`\`

\`lorchestra.schema.json\` describes them to editors; the first line that \`init\` writes tells editors where it is. \`lorchestra accounts add\`, \`jobs add\` and \`sources show\` write and explain what is specific to a source. \`lorchestra autocomplete\` makes bash, zsh and PowerShell complete commands, flags and their values, and the names of jobs, accounts, sources, runs and sets of test tables; \`lorchestra autocomplete fish\` prints a script that does so in fish.

The DuckDB file that a run makes is readable by you alone, as is what stands beside it. To share it, change its mode (\`chmod\`): it stays.

## Values

\`\${NAME}\` in a value stands for an environment variable, or for one of the file \`.env\` beside lorchestra.yaml; the environment wins. One that is not set or empty is missing. \`$\${\` stands for the characters \`\${\`. Inside of \`{…}\` and \`[…]\` a variable needs quotes. In \`.env\` a \`#\` that follows a space begins a comment, and one within a word is part of the value. Variables of accounts and jobs are looked at when a run needs them, those of the warehouse by every command that reads the file. Keys, names and \`source\` take none.

A duration is a whole number and a unit: \`90s\`, \`30m\`, \`12h\`, \`7d\` or \`2w\`. A date is ISO 8601, \`2026-01-31\`; a date-time without a time zone is UTC.
`

const code = (text: string): string => `\`${text}\``
const asYaml = (value: unknown): string =>
  stringify(value, {collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0}).trim()
const cell = (text: string): string => text.replaceAll('|', String.raw`\|`)

/** Maps of entries that users name have their keys one level further down, and `null` stands for an empty one. */
function objectsOf(schema: Schema): readonly Schema[] {
  if (schema.properties !== undefined) return [schema]
  if (typeof schema.additionalProperties === 'object') return objectsOf(schema.additionalProperties)
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(objectsOf)
}

function meaningOf(schema: Schema, required: boolean): string {
  const parts = [
    ...(schema.description === undefined ? [] : [schema.description]),
    ...(required ? ['Required.'] : []),
    ...(schema.default === undefined ? [] : [`Left out: ${code(asYaml(schema.default))}.`]),
  ]
  return parts.join(' ')
}

const exampleOf = (key: string, {examples = []}: Schema): string =>
  examples.map((example) => code(`${key}: ${asYaml(example)}`)).join(', ')

function tableOf({properties = {}, required = []}: Schema): string {
  const keys = Object.entries(properties).filter(([, schema]) => schema.const === undefined)
  const rows = keys.map(([key, schema]) =>
    [code(key), meaningOf(schema, required.includes(key)), exampleOf(key, schema)].map(cell).join(' | '),
  )
  return ['| key | meaning | example |', '|---|---|---|', ...rows.map((row) => `| ${row} |`)].join('\n')
}

/** An object that is one of several kinds says so by a key with one value. */
function titleOf({properties = {}}: Schema): string | undefined {
  const [kind] = Object.entries(properties).filter(([, schema]) => schema.const !== undefined)
  return kind === undefined ? undefined : `### ${code(`${kind[0]}: ${asYaml(kind[1].const)}`)}`
}

function sectionOf(key: string, schema: Schema): string {
  const objects = objectsOf(schema).flatMap((object) => [titleOf(object), tableOf(object)])
  return [`## ${code(key)}`, schema.description, ...objects].filter((part) => part !== undefined).join('\n\n')
}

const root = new URL('../', import.meta.url)
const {properties = {}} = JSON.parse(await readFile(new URL('lorchestra.schema.json', root), 'utf8')) as Schema
const sections = Object.entries(properties).map(([key, schema]) => sectionOf(key, schema))
await writeFile(new URL('docs/configuration.md', root), `${[INTRODUCTION.trimEnd(), ...sections].join('\n\n')}\n`)
