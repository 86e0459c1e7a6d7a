import {writeFile} from 'node:fs/promises'

import {expect} from 'chai'

import {ERROR_CODES} from '../src/base/error-codes.ts'
import {EXIT, EXIT_CHANGES, EXIT_UNSTABLE} from '../src/base/errors.ts'
import {EVENT_LOG, RAW_OBJECTS} from '../src/model/tables.ts'
import {query} from './support/database.ts'
import {folderForEachTest} from './support/folder.ts'
import {databaseIn, scriptedRun} from './support/scripted-run.ts'
import {scriptedSource} from './support/scripted-source.ts'
import {
  BASELINE_FILE,
  baselineText,
  commandsAndFlags,
  configurationKeys,
  contractMembers,
  documentMembers,
  readBaseline,
  RENEWS_BASELINE,
  requiredInputs,
} from './support/stable-surface.ts'

/** What lorchestra hands to a source; what a source hands to lorchestra must not have to hold more than it did. */
const GIVEN_BY_THE_HOST = [
  'SourceContext',
  'LoginContext',
  'SliceWindow',
  'SecretStore',
  'HttpClient',
  'HttpResponse',
  'HttpError',
]

const TABLES = {event_log: EVENT_LOG, raw_objects: RAW_OBJECTS}
const columns = Object.entries(TABLES).flatMap(([table, definition]) =>
  definition.columns.map((column) => ({...column, table})),
)

describe('what docs/stability.md promises', () => {
  const folder = folderForEachTest()
  const baseline = RENEWS_BASELINE ? new Map<string, readonly string[]>() : readBaseline()
  const now = new Map<string, readonly string[]>()

  /** Fails where anything that the last release promised is not there as it was. */
  function keeps(surface: string, lines: readonly string[], how: string): void {
    now.set(surface, [...new Set(lines)].toSorted())
    const gone = (baseline.get(surface) ?? []).filter((line) => !lines.includes(line))
    expect(
      gone,
      `These were promised and are gone or changed. ${how} docs/stability.md says how a promise may end.`,
    ).to.deep.equal([])
  }

  function growsOnly(surface: string, lines: readonly string[], how: string): void {
    const known = baseline.get(surface) ?? lines
    expect(
      lines.filter((line) => !known.includes(line)),
      how,
    ).to.deep.equal([])
  }

  after(async () => {
    if (RENEWS_BASELINE) await writeFile(BASELINE_FILE, baselineText(now))
  })

  it('keeps the contract with sources: plugins that were built against it compile and run', async () => {
    const lines = await contractMembers()
    keeps('contract', lines, 'Leave the member as it was declared, and add an optional one beside it.')
    const known = new Set((baseline.get('contract') ?? lines).map((line) => line.split(/[.=]/)[0]))
    const added = lines.filter((line) => !(baseline.get('contract') ?? lines).includes(line))
    const demanded = added.filter((line) => {
      const [, type = '', isOptional] = /^(\w+)\.(?:readonly )?\w+(\?)?/.exec(line) ?? []
      return known.has(type) && !GIVEN_BY_THE_HOST.includes(type) && isOptional === undefined
    })
    expect(demanded, 'A plugin of an earlier version has none of these: make them optional.').to.deep.equal([])
  })

  it('keeps tables and columns, and makes new columns nullable', () => {
    const shown = columns.map(({table, name, type}) => `${table}.${name} ${type}`)
    keeps('columns', shown, 'A column keeps its name and its type; what is new goes into a new one.')
    const required = columns.filter((column) => column.required).map(({table, name}) => `${table}.${name}`)
    now.set('required columns', required.toSorted())
    growsOnly('required columns', required, 'Tables that exist have rows without these: make them nullable.')
  })

  it('keeps events and what is in them', async () => {
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        reject('a line', 'it is no JSON', 'thing')
        await Promise.resolve()
        yield {records: [{id: 'one'}], deleted: ['thing:scripted--acct1:two'], bookmark: {at: 1}}
      },
    })
    const broken = scriptedSource(() => [], {
      // oxlint-disable-next-line require-yield -- it fails before it has anything
      async *extract() {
        await Promise.reject(new Error('the service is closed'))
      },
    })
    await scriptedRun({source, folder: folder(), runId: 'first', job: 'things'})
    await scriptedRun({source: broken, folder: folder(), runId: 'second', job: 'others'})
    const rows = await query(databaseIn(folder()), 'SELECT event_type, payload FROM event_log')
    const lines = rows.flatMap(({event_type: type, payload}) => [
      String(type),
      ...pathsIn(JSON.parse(String(payload ?? '{}'))).map((path) => `${String(type)} ${path}`),
    ])
    expect(rows.map(({event_type: type}) => type)).to.include.members([
      'record.rejected',
      'object.deleted',
      'job.failed',
    ])
    // How a process is told from others depends on the system.
    const promised = lines.filter((line) => !line.includes(' process'))
    keeps('events', promised, 'Queries of users read these: write the member still, beside what is new.')
  })

  it('keeps the members of documents of --json and notifications, their types, and whether they are always there', async () => {
    keeps('documents', await documentMembers(), 'Scripts read these: keep the member as it was, and add another one.')
  })

  it('keeps keys of lorchestra.yaml', async () => {
    keeps('configuration', await configurationKeys(), 'Files of users have these: read them still, with a warning.')
  })

  it('keeps commands, arguments, flags and their defaults, and demands no new ones', async () => {
    keeps('commands', await commandsAndFlags(), 'Schedules of users have these: keep them, as deprecated aliases.')
    const required = await requiredInputs()
    now.set('required inputs', required.toSorted())
    growsOnly('required inputs', required, 'Command lines that exist do not give these: give them a default.')
  })

  it('keeps exit codes', () => {
    const codes = {...EXIT, changes: EXIT_CHANGES, unstable: EXIT_UNSTABLE}
    const lines = Object.entries(codes).map(([name, code]) => `${name} ${code}`)
    keeps('exit codes', lines, 'Schedulers act on these: a new condition gets a new code.')
  })

  it('keeps codes of errors', () => {
    keeps('error codes', ERROR_CODES, 'Scripts act on these: a new condition gets a new code.')
  })
})

/** Names every member, whatever it holds. */
function pathsIn(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return path === '' ? [] : [path]
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(path === '' ? [] : [path]),
    ...pathsIn(inner, path === '' ? name : `${path}.${name}`),
  ])
}
