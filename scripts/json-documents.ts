import {mkdir, readFile, writeFile} from 'node:fs/promises'

import * as z from 'zod'

import {errorDocument} from '../src/base/error-document.ts'
import {helpDocument} from '../src/cli/help-document.ts'
import {accountsAddDocument, jobsAddDocument} from '../src/report/documents/added.ts'
import {accountsListDocument} from '../src/report/documents/accounts-list.ts'
import {accountsLoginDocument} from '../src/report/documents/accounts-login.ts'
import {accountsLogoutDocument} from '../src/report/documents/accounts-logout.ts'
import {accountsShowDocument} from '../src/report/documents/accounts-show.ts'
import {applyDocument} from '../src/report/documents/apply.ts'
import {changedPluginsDocument} from '../src/report/documents/changed-plugins.ts'
import {autocompleteFishDocument, completeDocument} from '../src/report/documents/complete.ts'
import {doctorDocument} from '../src/report/documents/doctor.ts'
import {initDocument} from '../src/report/documents/init.ts'
import {jobsExploreDocument} from '../src/report/documents/jobs-explore.ts'
import {jobsListDocument} from '../src/report/documents/jobs-list.ts'
import {jobsShowDocument} from '../src/report/documents/jobs-show.ts'
import {runDegradedDocument, runFailedDocument} from '../src/report/documents/notification.ts'
import {planShowDocument} from '../src/report/documents/plan.ts'
import {queryDocument} from '../src/report/documents/query.ts'
import {reconcileDocument} from '../src/report/documents/reconcile.ts'
import {rejectsListDocument} from '../src/report/documents/rejects-list.ts'
import {runsUndoDocument} from '../src/report/documents/runs-undo.ts'
import {rejectsRetryDocument} from '../src/report/documents/rejects-retry.ts'
import {replayDocument} from '../src/report/documents/replay.ts'
import {reportDocument} from '../src/report/documents/report.ts'
import {runDocument} from '../src/report/documents/run.ts'
import {runsListDocument} from '../src/report/documents/runs-list.ts'
import {runsLogDocument} from '../src/report/documents/runs-log.ts'
import {runsShowDocument} from '../src/report/documents/runs-show.ts'
import {schemaAcceptDocument} from '../src/report/documents/schema-accept.ts'
import {schemaDiffDocument} from '../src/report/documents/schema-diff.ts'
import {schemaShowDocument} from '../src/report/documents/schema-show.ts'
import {showDocument} from '../src/report/documents/show.ts'
import {sourcesCreateDocument} from '../src/report/documents/sources-create.ts'
import {sourcesListDocument} from '../src/report/documents/sources-list.ts'
import {sourcesShowDocument} from '../src/report/documents/sources-show.ts'
import {testCompareDocument} from '../src/report/documents/test-compare.ts'
import {testDropDocument} from '../src/report/documents/test-drop.ts'
import {testListDocument} from '../src/report/documents/test-list.ts'
import {testPromoteDocument} from '../src/report/documents/test-promote.ts'
import {testSeedDocument} from '../src/report/documents/test-seed.ts'
import {verifyDocument} from '../src/report/documents/verify.ts'
import {viewsCheckDocument, viewsCreateDocument, viewsPrintDocument} from '../src/report/documents/views.ts'
import {warehouseCreateDocument} from '../src/report/documents/warehouse-create.ts'
import {warehouseDedupeDocument} from '../src/report/documents/warehouse-dedupe.ts'
import {warehouseShowDocument} from '../src/report/documents/warehouse-show.ts'

/** Writes docs/json: a JSON Schema for each document, and a page with an example of each, from the test's snapshots. */
const COMMANDS: Readonly<Record<string, z.ZodType>> = {
  'accounts add': accountsAddDocument,
  'accounts list': accountsListDocument,
  'accounts login': accountsLoginDocument,
  'accounts logout': accountsLogoutDocument,
  'accounts show': accountsShowDocument,
  apply: applyDocument,
  'autocomplete fish': autocompleteFishDocument,
  complete: completeDocument,
  doctor: doctorDocument,
  init: initDocument,
  'jobs add': jobsAddDocument,
  'jobs explore': jobsExploreDocument,
  'jobs list': jobsListDocument,
  'jobs show': jobsShowDocument,
  'plan show': planShowDocument,
  'plugins install': changedPluginsDocument,
  'plugins update': changedPluginsDocument,
  query: queryDocument,
  reconcile: reconcileDocument,
  'rejects list': rejectsListDocument,
  'rejects retry': rejectsRetryDocument,
  replay: replayDocument,
  report: reportDocument,
  run: runDocument,
  'runs list': runsListDocument,
  'runs log': runsLogDocument,
  'runs show': runsShowDocument,
  'runs undo': runsUndoDocument,
  'schema accept': schemaAcceptDocument,
  'schema diff': schemaDiffDocument,
  'schema show': schemaShowDocument,
  show: showDocument,
  'sources create': sourcesCreateDocument,
  'sources list': sourcesListDocument,
  'sources show': sourcesShowDocument,
  'test list': testListDocument,
  'test compare': testCompareDocument,
  'test promote': testPromoteDocument,
  'test drop': testDropDocument,
  'test seed': testSeedDocument,
  verify: verifyDocument,
  'views check': viewsCheckDocument,
  'views create': viewsCreateDocument,
  'views print': viewsPrintDocument,
  'warehouse create': warehouseCreateDocument,
  'warehouse dedupe': warehouseDedupeDocument,
  'warehouse show': warehouseShowDocument,
}

interface Documented {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly schema: z.ZodType
}

const OTHERS: readonly Documented[] = [
  {
    name: 'error',
    title: 'An error',
    description: 'What any command prints that failed or was refused; `run` adds it to its own document.',
    schema: errorDocument,
  },
  {
    name: 'help',
    title: 'lorchestra --help --json',
    description: 'The help of a command, of a topic, or of the program where none is named.',
    schema: helpDocument,
  },
  {
    name: 'run-failed',
    title: 'The notification run.failed',
    description: 'What a webhook or a command is sent when a production run fails.',
    schema: runFailedDocument,
  },
  {
    name: 'run-degraded',
    title: 'The notification run.degraded',
    description: 'What a webhook or a command is sent when a production run ends well and something is odd about it.',
    schema: runDegradedDocument,
  },
]

const INTRODUCTION = `# Documents

<!-- Made by \`npm run generate\`; the examples are the snapshots of test/commands/json-documents.process.test.ts. -->

With \`--json\` a command prints exactly one document on stdout, also where it fails; logs go to stderr. Every document begins with \`schema: 1\`: members may be added under that number, and none is renamed, removed or changed in meaning. A schema says exactly what this version prints.

Names are in snake case. Instants are ISO 8601 in UTC. A run mode is \`production\`, \`dry-run\` or \`test-table\`. An outcome is \`done\`, \`rejects\`, \`failed\`, \`usage\`, \`busy\`, \`mode\`, \`interrupted\` or \`terminated\`; the event log knows of past runs that they are \`done\`, \`failed\`, \`running\`, \`died\` or \`unknown\`. Errors carry [codes](../errors.md).
`

const root = new URL('../', import.meta.url)
const manifest = JSON.parse(await readFile(new URL('oclif.manifest.json', root), 'utf8')) as {
  readonly commands: Readonly<Record<string, {readonly summary: string}>>
}
const undocumented = Object.keys(manifest.commands).filter((id) => !(id.replaceAll(':', ' ') in COMMANDS))
if (undocumented.length > 0) throw new Error(`scripts/json-documents.ts has no document for ${undocumented.join(', ')}`)

const documented: readonly Documented[] = [
  ...Object.entries(COMMANDS).map(([command, schema]) => ({
    name: command.replaceAll(' ', '-'),
    title: `lorchestra ${command} --json`,
    description: `${manifest.commands[command.replaceAll(' ', ':')]?.summary ?? ''}.`,
    schema,
  })),
  ...OTHERS,
]

await mkdir(new URL('docs/json/', root), {recursive: true})
for (const {name, title, description, schema} of documented) {
  const {$schema, ...rest} = z.toJSONSchema(schema)
  const text = JSON.stringify({$schema, title, description, ...rest}, null, 2)
  await writeFile(new URL(`docs/json/${name}.schema.json`, root), `${text}\n`)
}

const rows = documented.map(
  ({name, title}) => `| [${title}](#${anchorOf(title)}) | [${name}.schema.json](${name}.schema.json) |`,
)
const sections = documented.map(async ({name, title, description}) => {
  const example = await readFile(new URL(`test/commands/snapshots/${name}.json`, root), 'utf8')
  return `## ${title}\n\n${description} Schema: [${name}.schema.json](${name}.schema.json)\n\n\`\`\`json\n${example}\`\`\`\n`
})
const page = [INTRODUCTION, `| document | schema |\n|---|---|\n${rows.join('\n')}\n`, ...(await Promise.all(sections))]
await writeFile(new URL('docs/json/README.md', root), page.join('\n'))

/** The anchor of a heading, by the rule of GitHub. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-')
}
