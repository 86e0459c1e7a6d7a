import {spawn} from 'node:child_process'
import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import type {CliResult} from '../support/cli.ts'
import {change, events, query, type Rows} from '../support/database.ts'
import {
  createProject,
  exists,
  homeWith,
  untilStderrHas,
  type ExternalRecord,
  type Project,
} from '../support/external-source.ts'
import {PACKAGE, runProgram} from '../support/package-copy.ts'

const JOB = 'diary_entries'
const YAML = `jobs:\n  ${JOB}:\n    source: diary\n    file: records.json\n    calls: RECORDED\n`
const RECORDS: readonly ExternalRecord[] = [
  {at: '2024-03-01T12:00:00Z', id: 'a', text: 'one'},
  {at: '2024-03-02T12:00:00Z', id: 'b', text: 'two'},
]
const PRODUCTION = ['event_log', 'raw_objects']
const TEST = ['test_event_log', 'test_raw_objects']
const DRY_RUN_BANNER = '=== DRY RUN MODE === (no DuckDB writes)'
const TEST_TABLE_BANNER = '=== TEST TABLE MODE === (writing to test_event_log, test_raw_objects)'
const MODES: readonly (readonly string[])[] = [[], ['--test-table'], ['--dry-run']]
const HOUR = 3_600_000

let home = ''
let waiting: Promise<WaitingRuns>

async function projectWith(records: readonly ExternalRecord[] = RECORDS, yaml = YAML): Promise<Project> {
  const project = await createProject({home, yaml})
  await project.writeRecords(records)
  return project
}

/** What a run printed, with the two things that differ from run to run named. */
const shown = ({stdout}: CliResult): string =>
  stdout.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<instant>').replaceAll(/\b\d+\.\d\ds/g, '<duration>')

async function tablesIn({database}: Project): Promise<readonly unknown[]> {
  if (!(await exists(database))) return []
  return (await query(database, 'SELECT table_name FROM duckdb_tables() ORDER BY 1')).map((row) => row['table_name'])
}

/** All that DuckDB knows of a table but its name: definition, columns, constraints. */
async function definitionOf(database: string, table: string): Promise<object> {
  const [row] = await query(database, `SELECT sql FROM duckdb_tables() WHERE table_name = '${table}'`)
  return {
    sql: String(row?.['sql']).replace(/^[^(]*/, ''),
    columns: await query(
      database,
      `SELECT column_name, column_index, data_type, is_nullable, column_default, numeric_precision, numeric_scale
       FROM duckdb_columns() WHERE table_name = '${table}' ORDER BY column_index`,
    ),
    constraints: await query(
      database,
      `SELECT constraint_type, constraint_text FROM duckdb_constraints() WHERE table_name = '${table}' ORDER BY ALL`,
    ),
  }
}

async function contentOf(database: string, tables: readonly string[]): Promise<object> {
  const content: {definition: object; rows: Rows}[] = []
  for (const table of tables) {
    content.push({
      definition: await definitionOf(database, table),
      rows: await query(database, `SELECT * FROM ${table} ORDER BY ALL`),
    })
  }
  return content
}

/** Every file of the project with a hash of its bytes, but for what the source itself leaves. */
async function filesOf({folder}: Project): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {}
  for (const name of (await readdir(folder, {recursive: true})).toSorted()) {
    files[name] = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex')
  }
  return files
}

const lastLine = (text: string): string | undefined => text.trimEnd().split('\n').at(-1)

/** A few at a time: more would only wait for each other. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const remaining = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of remaining) results[index] = await work(item)
  }
  await Promise.all([worker(), worker(), worker()])
  return results
}

interface WaitingRuns {
  readonly holder: number | undefined
  readonly blind: CliResult
  readonly waited: readonly CliResult[]
  /** Milliseconds until all of them had ended. */
  readonly milliseconds: number
  /** Milliseconds that the same machine took at the same time for a run that waits for nothing. */
  readonly unhindered: number
}

/** Begun before all other tests, because it is ten seconds of waiting. */
async function waitForHeldFile(project: Project): Promise<WaitingRuns> {
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, project.database], {cwd: PACKAGE})
  try {
    await once(holder.stdout, 'data')
    const started = performance.now()
    let unhindered = 0
    const [blind, ...waited] = await Promise.all([
      project.run(['run', JOB, '--dry-run', '--since', '2024-03-01']).finally(() => {
        unhindered = performance.now() - started
      }),
      ...MODES.map(async (mode) => project.run(['run', JOB, ...mode])),
    ])
    return {holder: holder.pid, blind, waited, milliseconds: performance.now() - started, unhindered}
  } finally {
    holder.kill()
  }
}

const HOLDER = `
import {DuckDBInstance} from '@duckdb/node-api'
globalThis.held = await DuckDBInstance.create(process.argv[1])
process.stdout.write('held')
process.stdin.resume()
`

describe('lorchestra run', () => {
  before(async () => {
    home = await homeWith({name: 'diary'})
    waiting = waitForHeldFile(await projectWith())
    // Looked at in the last test.
    waiting.catch(() => undefined)
  })

  describe('a job of a source that somebody else wrote', () => {
    it('goes from a dry run over a test run to production, and then inserts nothing', async () => {
      const project = await projectWith()
      const before = await filesOf(project)

      const dryRun = await project.run(['run', JOB, '--dry-run'])
      expect(dryRun.code).to.equal(0)
      expect(shown(dryRun)).to.equal(`${DRY_RUN_BANNER}
diary_entries (diary): everything before <instant>
[DRY-RUN] diary_entries: 2 extracted, completed in <duration> (no writes)
  sample entry:diary:a
    {"at":"2024-03-01T12:00:00Z","id":"a","text":"one"}
  sample entry:diary:b
    {"at":"2024-03-02T12:00:00Z","id":"b","text":"two"}
`)
      expect(await filesOf(project)).to.deep.equal(before)

      const testRun = await project.run(['run', JOB, '--test-table'])
      expect(testRun.code).to.equal(0)
      expect(shown(testRun)).to.equal(`${TEST_TABLE_BANNER}
diary_entries (diary): everything before <instant>
[TEST] diary_entries: 2 extracted, 2 inserted, 0 updated, completed in <duration> (wrote to test tables)
`)
      expect(await tablesIn(project), 'production is not made by a test run').to.deep.equal(TEST)

      const run = await project.run(['run', JOB])
      expect(run.code).to.equal(0)
      expect(shown(run)).to.equal(`diary_entries (diary): everything before <instant>
✓ diary_entries: 2 extracted, 2 inserted, 0 updated, completed in <duration>
`)
      expect(await tablesIn(project)).to.deep.equal([...PRODUCTION, ...TEST])

      const again = await project.run(['run', JOB])
      expect(again.code).to.equal(0)
      expect(shown(again)).to.equal(`diary_entries (diary): <instant> to <instant>
✓ diary_entries: 0 extracted, 0 inserted, 0 updated, completed in <duration>
`)
      const stored = await query(project.database, 'SELECT idem_key, payload FROM raw_objects ORDER BY 1')
      expect(stored.map(({idem_key}) => idem_key)).to.deep.equal(['entry:diary:a', 'entry:diary:b'])
      expect(stored.map(({payload}) => JSON.parse(String(payload)) as unknown)).to.deep.equal(RECORDS)
    })

    it('is dry-run without a byte changed in or beside a warehouse that is there', async () => {
      const project = await projectWith()
      await project.run(['run', JOB])
      const before = await filesOf(project)
      const lines = [[], ['--full', '--limit', '1'], ['--since', '2024-03-02', '--refetch']]
      await inParallel(lines, async (more) => {
        const {code, stdout} = await project.run(['run', JOB, '--dry-run', ...more])
        expect(code).to.equal(0)
        expect(stdout.split('\n')[0]).to.equal(DRY_RUN_BANNER)
      })
      expect(await filesOf(project)).to.deep.equal(before)
    })

    it('is the same under its other name, and where the job stands behind the flag', async () => {
      const lines: readonly [args: readonly string[], tables: readonly string[], firstLine: string][] = [
        [['run-job', JOB, '--dry-run'], [], DRY_RUN_BANNER],
        [['run-job', JOB, '--test-table'], TEST, TEST_TABLE_BANNER],
        [['run-job', JOB], PRODUCTION, `${JOB} (diary): everything before <instant>`],
        [['run', '--test-table', '--', JOB], TEST, TEST_TABLE_BANNER],
      ]
      await inParallel(lines, async ([args, tables, firstLine]) => {
        const project = await projectWith()
        const result = await project.run(args)
        expect(result.code, args.join(' ')).to.equal(0)
        expect(shown(result).split('\n')[0], args.join(' ')).to.equal(firstLine)
        expect(await tablesIn(project), args.join(' ')).to.deep.equal(tables)
      })
    })

    it('takes its mode from flags alone, whatever the environment says', async () => {
      const names = ['LORCHESTRA_DRY_RUN', 'LORCHESTRA_RUN_DRY_RUN', 'DRY_RUN', 'LORCHESTRA_TEST_TABLE', 'TEST_TABLE']
      const lines: readonly [more: readonly string[], value: string, tables: readonly string[]][] = [
        [[], 'true', PRODUCTION],
        [['--test-table'], 'false', TEST],
        [['--dry-run'], 'false', []],
      ]
      await inParallel(lines, async ([more, value, tables]) => {
        const project = await projectWith()
        const {code} = await project.run(['run', JOB, ...more], Object.fromEntries(names.map((name) => [name, value])))
        expect(code).to.equal(0)
        expect(await tablesIn(project)).to.deep.equal(tables)
      })
    })
  })

  describe('a test run beside production', () => {
    it('leaves production as it is, row for row, and makes twins of its tables with all that was added to them', async () => {
      const project = await projectWith()
      const {database} = project
      await project.run(['run', JOB])
      await change(
        database,
        `ALTER TABLE event_log ADD COLUMN "added (by hand)" VARCHAR DEFAULT 'o''clock'`,
        `ALTER TABLE raw_objects ADD COLUMN weight DECIMAL(9, 2) DEFAULT 1.5`,
        `ALTER TABLE raw_objects ADD COLUMN tags VARCHAR[]`,
        `UPDATE raw_objects SET tags = ['kept']`,
      )
      const before = await contentOf(database, PRODUCTION)
      await project.writeRecords([...RECORDS, {at: '2024-03-03T12:00:00Z', id: 'c', text: 'three'}])

      const first = await project.run(['run', JOB, '--test-table'])
      expect(shown(first)).to.contain('[TEST] diary_entries: 3 extracted, 3 inserted, 0 updated')
      expect(await contentOf(database, PRODUCTION)).to.deep.equal(before)
      for (const table of PRODUCTION) {
        expect(await definitionOf(database, `test_${table}`)).to.deep.equal(await definitionOf(database, table))
      }
      const [inTest] = await query(database, 'SELECT count(*) AS n, any_value(weight) AS w FROM test_raw_objects')
      expect(inTest).to.deep.equal({n: '3', w: '1.50'})

      const second = await project.run(['run', JOB, '--test-table', '--full'])
      expect(shown(second)).to.contain('3 extracted, 0 inserted, 0 updated, 3 unchanged')
      expect(await contentOf(database, PRODUCTION)).to.deep.equal(before)
    })

    it('is refused where a test table is no twin of production’s, and nothing is written', async () => {
      const project = await projectWith()
      const {database} = project
      await project.run(['run', JOB])
      await change(
        database,
        'CREATE TABLE test_raw_objects AS FROM raw_objects',
        'ALTER TABLE raw_objects ADD note TEXT',
      )
      const all = [...PRODUCTION, 'test_raw_objects']
      const before = await contentOf(database, all)
      const {code, stderr} = await project.run(['run', JOB, '--test-table'])
      expect(code).to.equal(2)
      expect(stderr).to.contain('the test table test_raw_objects has another definition than raw_objects')
      expect(stderr).to.contain('note VARCHAR')
      expect(stderr).to.contain('  → Drop the test table (DROP TABLE test_raw_objects)')
      expect(await tablesIn(project)).to.deep.equal(all)
      expect(await contentOf(database, all)).to.deep.equal(before)
      expect(project.calls().length, 'the source is not asked').to.equal(1)
    })

    it('is refused, like the others, where production is a table of something else', async () => {
      const project = await projectWith()
      await change(project.database, 'CREATE TABLE raw_objects (idem_key VARCHAR PRIMARY KEY, payload JSON)')
      const before = await contentOf(project.database, ['raw_objects'])
      await inParallel(MODES, async (mode) => {
        const {code, stderr} = await project.run(['run', JOB, ...mode])
        expect(code).to.equal(2)
        expect(stderr).to.contain('column source_system (VARCHAR) is missing')
      })
      expect(await contentOf(project.database, ['raw_objects'])).to.deep.equal(before)
      expect(await tablesIn(project)).to.deep.equal(['raw_objects'])
      expect(project.calls()).to.deep.equal([])
    })
  })

  describe('a command line that is refused', () => {
    const future = new Date(Date.now() + HOUR).toISOString()
    const refused: readonly {
      readonly what: string
      readonly args: readonly string[]
      readonly says: readonly string[]
      readonly env?: Readonly<Record<string, string>>
    }[] = [
      ...[
        [JOB, '--dry-run', '--test-table'],
        ['--test-table', '--dry-run', JOB],
        [`--dry-run=${JOB}`, '--test-table'],
      ].map((args) => ({
        what: `two modes: ${args.join(' ')}`,
        args: ['run', ...args],
        says: ['--dry-run=true cannot also be provided when using --test-table', 'mutually exclusive'],
      })),
      {what: 'a mode that is denied', args: ['run', JOB, '--no-dry-run'], says: ['Nonexistent flag: --no-dry-run']},
      {what: 'a misspelt flag', args: ['run', JOB, '--sinse', '-1d'], says: ['  → Did you mean --since?\n']},
      {
        what: 'a mode cut short',
        args: ['run', JOB, '--dry'],
        says: ['Nonexistent flag: --dry', '  → Did you mean --dry-run?'],
      },
      {what: 'a misspelt mode', args: ['run', JOB, '--test-tables'], says: ['Nonexistent flag: --test-tables']},
      {
        what: 'a mode that is no flag any more',
        args: ['run', '--', '--dry-run'],
        says: ['there is no job "--dry-run"'],
      },
      {what: 'a mode as an account', args: ['run', JOB, '--account', '--dry-run'], says: ['--account expects a value']},
      ...[`--dry-run=${JOB}`, `--test-table=${JOB}`, '--dry-run=false', '--test-table=true'].map((written) => ({
        what: `a value for a mode: ${written}`,
        args: ['run', JOB, written],
        says: [`${written.split('=')[0]} takes no value`, '  → '],
      })),
      {what: 'a value for a mode, as the only job', args: ['run', `--test-table=${JOB}`], says: ['takes no value']},
      {what: 'no job', args: ['run'], says: ['Missing 1 required arg']},
      {
        what: 'an unknown job behind a known one',
        args: ['run', JOB, 'diary_entires'],
        says: ['there is no job "diary_entires" in lorchestra.yaml', '  → ', JOB],
      },
      {what: 'a future --since', args: ['run', JOB, '--since', future], says: ['lies in the future', '  → ']},
      {what: 'a future --until', args: ['run', JOB, '--until', future], says: ['lies in the future', '  → ']},
      {
        what: 'a window that ends before it begins',
        args: ['run', JOB, '--since', '-1d', '--until', '-2d'],
        says: ['--since -1d is not before --until -2d'],
      },
      {what: 'a --since that is no instant', args: ['run', JOB, '--since', 'soon'], says: ['soon is not an instant']},
      {what: 'a --since of no unit', args: ['run', JOB, '--since', '-7'], says: ['-7 is not an instant', '-7d']},
      {
        what: 'a Node that rounds large numbers',
        args: ['run', JOB],
        env: {
          NODE_OPTIONS: `--import="data:text/javascript,Object.defineProperty(process, 'versions', {value: {...process.versions, node: '22.17.1'}})"`,
        },
        says: ['Node 22.17.1 is older than 22.19', 'https://nodejs.org'],
      },
      {
        what: 'a Node that has no box for a source',
        args: ['jobs', 'show', JOB],
        env: {
          NODE_OPTIONS: `--import="data:text/javascript,Object.defineProperty(process, 'versions', {value: {...process.versions, node: '22.17.1'}})"`,
        },
        says: ['Node 22.17.1 is older than 22.19', 'https://nodejs.org'],
      },
      {
        what: 'a limit of nothing',
        args: ['run', JOB, '--limit', '0'],
        says: ['Error: --limit: expected an integer greater than or equal to 1', '[E_USAGE_FLAGS]', '  → --help'],
      },
      {
        what: 'samples that are no number',
        args: ['run', JOB, '--dry-run', '--samples', 'all'],
        says: ['Error: --samples: expected an integer but received: all [E_USAGE_FLAGS]', '  → --help'],
      },
      {
        what: 'a level of the log that there is not',
        args: ['run', JOB, '--log-level', 'loud'],
        says: ['Error: Expected --log-level=loud to be one of: error, warn, info, debug [E_USAGE_FLAGS]', '  → --help'],
      },
      {
        what: 'table names of which one stands for two tables',
        args: ['run', JOB, '--test-table'],
        env: {EVENT_LOG_TABLE: 'test_raw_objects'},
        says: ['test_raw_objects stands for two tables', '  → '],
      },
      {
        what: 'production named as the test tables of another configuration',
        args: ['run', JOB],
        env: {EVENT_LOG_TABLE: 'a_log', RAW_OBJECTS_TABLE: 'Test_objects'},
        says: ['the production table Test_objects has the name of a test table', 'do not begin with test_'],
      },
      {
        what: 'production named as the tables that test runs have filled',
        args: ['run', JOB, '--dry-run'],
        env: {EVENT_LOG_TABLE: 'test_event_log', RAW_OBJECTS_TABLE: 'objects'},
        says: ['the production table test_event_log has the name of a test table', 'lorchestra test promote'],
      },
      {
        what: 'table names that differ in case alone',
        args: ['run', JOB],
        env: {EVENT_LOG_TABLE: 'Objects', RAW_OBJECTS_TABLE: 'objects'},
        says: ['stands for two tables'],
      },
      {
        what: 'a table name that is SQL',
        args: ['run', JOB],
        env: {EVENT_LOG_TABLE: 'a; DROP'},
        says: ['EVENT_LOG_TABLE'],
      },
      {what: 'a config file that is not there', args: ['run', JOB, '--config', 'other.yaml'], says: ['other.yaml']},
    ]
    let project: Project
    let results: ReadonlyMap<string, CliResult>

    before(async () => {
      project = await projectWith()
      results = new Map(
        await inParallel(refused, async ({what, args, env}) => [what, await project.run(args, env)] as const),
      )
    })

    for (const {what, says} of refused) {
      it(`has ${what}`, () => {
        const result = results.get(what)
        expect(result?.code).to.equal(2)
        for (const text of says) expect(result?.stderr).to.contain(text)
        expect(result?.stdout).to.equal('')
        expect(result?.stderr).not.to.match(/^\s+at /m)
      })
    }

    it('makes no file and asks no source', async () => {
      expect(Object.keys(await filesOf(project))).to.deep.equal(['lorchestra.yaml', 'records.json'])
      expect(project.calls()).to.deep.equal([])
    })
  })

  describe('--json', () => {
    const documentOf = ({stdout}: CliResult): Readonly<Record<string, unknown>> => {
      expect(stdout.endsWith('}\n')).to.equal(true)
      const document = JSON.parse(stdout) as Readonly<Record<string, unknown>>
      expect(document['schema']).to.equal(1)
      return document
    }
    const counts = {extracted: 2, inserted: 2, updated: 0, unchanged: 0, duplicates: 0, rejected: 0}

    for (const [mode, flags, more] of [
      ['production', [], {tables: {event_log: 'event_log', raw_objects: 'raw_objects'}}],
      ['test-table', ['--test-table'], {tables: {event_log: 'test_event_log', raw_objects: 'test_raw_objects'}}],
      ['dry-run', ['--dry-run'], {tables: null}],
    ] as const) {
      it(`prints one document and nothing else on stdout: ${mode}`, async () => {
        const project = await projectWith()
        const result = await project.run(['run', JOB, '--json', ...flags])
        expect(result.code).to.equal(0)
        const {runs, error} = documentOf(result)
        expect(error).to.equal(undefined)
        const [run, ...others] = runs as readonly Readonly<Record<string, unknown>>[]
        expect(others).to.deep.equal([])
        expect(run).to.include({job: JOB, source: 'diary', account: null, mode, outcome: 'done', limited: false})
        expect(run).to.deep.include(more)
        expect(run?.['counts']).to.include(
          mode === 'dry-run' ? {...counts, inserted: null, updated: null, unchanged: null} : counts,
        )
        expect(run?.['run_id']).to.match(/^diary_entries-\d{14}-[0-9a-f]{8}$/)
      })
    }

    it('prints one document for what goes wrong, too', async () => {
      const lines: readonly [args: readonly string[], outcome: string, message: string][] = [
        [[JOB, '--dry-run', '--test-table'], 'usage', 'mutually exclusive'],
        [[JOB, '--dry'], 'usage', '--dry'],
        [['diary_entires'], 'usage', 'there is no job "diary_entires"'],
        [[], 'usage', 'Missing 1 required arg'],
        [[JOB, '--since', 'soon'], 'usage', 'soon is not an instant'],
        [[JOB, '--config', 'other.yaml'], 'usage', 'other.yaml'],
      ]
      const project = await projectWith()
      await inParallel(lines, async ([args, outcome, message]) => {
        const result = await project.run(['run', ...args, '--json'])
        expect(result.code, args.join(' ')).to.equal(2)
        const {runs, error} = documentOf(result)
        expect(runs).to.deep.equal([])
        expect(error).to.include({outcome})
        expect((error as {message: string}).message).to.contain(message)
      })
      expect(await exists(project.database)).to.equal(false)
    })

    it('names the runs that were made before one that failed', async () => {
      const project = await projectWith(
        RECORDS,
        `${YAML}  broken_entries:\n    source: diary\n    file: broken.json\n    source_system: broken\n`,
      )
      await project.writeRecords(
        [{at: '2024-03-01T12:00:00Z', fail: 'the service is closed on Sundays'}],
        'broken.json',
      )
      const result = await project.run(['run', JOB, 'broken_entries', '--json'])
      expect(result.code).to.equal(1)
      const runs = documentOf(result)['runs'] as readonly {outcome: string; error?: {message: string}}[]
      expect(runs.map(({outcome}) => outcome)).to.deep.equal(['done', 'failed'])
      expect(runs[1]?.error?.message).to.contain('the service is closed on Sundays')
    })
  })

  describe('which records a run reads', () => {
    it('is said by --since, --until and --limit, and shown', async () => {
      const yesterday = new Date(Date.now() - 24 * HOUR).toISOString()
      const project = await projectWith([...RECORDS, {at: yesterday, id: 'new', text: 'late'}])
      const lines: readonly [args: readonly string[], keys: readonly string[], line: RegExp][] = [
        [['--since', '-7d'], ['new'], /: <instant> to <instant>\n/],
        [['--since', '2024-03-02', '--until', '2024-03-03T00:00:00+01:00'], ['b'], /--since 2024-03-02 .*\bUTC/],
        [['--until', '2024-03-02T12:00:00Z'], ['a'], /: everything before <instant>\n/],
        [['--limit', '1'], ['a'], /1 extracted/],
      ]
      await inParallel(lines, async ([args, keys, line]) => {
        const result = await project.run(['run', JOB, '--dry-run', ...args])
        expect(result.code, args.join(' ')).to.equal(0)
        expect(shown(result)).to.match(line)
        const samples = [...result.stdout.matchAll(/^ {2}sample entry:diary:(.*)$/gm)].map(([, key]) => key)
        expect(samples, args.join(' ')).to.deep.equal(keys)
      })
    })

    it('comes with a word on the cursor where it stays: after a limit, and behind a gap', async () => {
      const project = await projectWith()
      const limited = await project.run(['run', JOB, '--limit', '1'])
      expect(limited.stdout).to.contain(
        '\n  A limited run moves no cursor: the next plain run begins with the very first record.\n',
      )
      const recent = await project.run(['run', JOB, '--since', '-7d'])
      expect(recent.stdout).to.contain('\n  The cursor did not move: there is a gap before this window.')
      const plain = await project.run(['run', JOB])
      expect(plain.stdout).to.contain('2 extracted, 1 inserted, 0 updated, 1 unchanged')
    })
  })

  describe('production tables of other names', () => {
    it('are written, and a test run writes to test_ and their names', async () => {
      const project = await projectWith()
      const env = {EVENT_LOG_TABLE: 'Audit', RAW_OBJECTS_TABLE: 'objects'}
      const testRun = await project.run(['run', JOB, '--test-table'], env)
      expect(testRun.stdout).to.match(/^=== TEST TABLE MODE === \(writing to test_Audit, test_objects\)\n/)
      const run = await project.run(['run', JOB], env)
      expect(run.code).to.equal(0)
      expect(await tablesIn(project)).to.have.members(['Audit', 'objects', 'test_Audit', 'test_objects'])
    })
  })

  describe('a run in which something goes wrong', () => {
    it('exits with 3 the first time that a record is rejected, and with 0 when it is no news', async () => {
      const project = await projectWith([...RECORDS, {at: '2024-03-03T12:00:00Z', text: 'without an id'}])
      const first = await project.run(['run', JOB])
      expect(first.code).to.equal(3)
      expect(first.stdout).to.contain('3 extracted, 2 inserted, 0 updated, 1 rejected')
      expect(first.stderr).to.contain('it has no id')
      const second = await project.run(['run', JOB, '--full'])
      expect(second.code).to.equal(0)
      expect(second.stdout).to.contain('1 rejected')
    })

    it('exits with 1, says last what is in, and the next run goes on from there', async () => {
      const yaml = `${YAML}    start: 2024-03-01T00:00:00Z\n    slice: 1d\n`
      const project = await projectWith([...RECORDS, {at: '2024-03-03T12:00:00Z', fail: 'closed on Sundays'}], yaml)
      const dryRun = await project.run(['run', JOB, '--dry-run'])
      expect(dryRun.code).to.equal(1)
      expect(lastLine(dryRun.stderr)).to.equal('  Nothing was written: it was a dry run.')

      const failed = await project.run(['run', JOB], {DEBUG: '1'})
      expect(failed.code).to.equal(1)
      expect(failed.stderr).to.contain(`✗ ${JOB}: closed on Sundays`)
      expect(failed.stderr, 'with DEBUG').to.match(/^ {4}at .*source\.js/m)

      const again = await project.run(['run', JOB])
      expect(again.code).to.equal(1)
      expect(lastLine(again.stderr)).to.equal('  0 stored; the same command starts over.')
      expect(again.stderr, 'without DEBUG').not.to.match(/^\s+at /m)

      await project.writeRecords([...RECORDS, {at: '2024-03-03T12:00:00Z', id: 'c'}])
      const next = await project.run(['run', JOB])
      expect(next.stdout).to.contain('1 extracted, 1 inserted')
      expect(await query(project.database, 'SELECT external_id FROM raw_objects ORDER BY 1')).to.deep.equal(
        ['a', 'b', 'c'].map((id) => ({external_id: id})),
      )
      expect(failed.stderr).to.contain(
        '  2 stored (2024-03-01T00:00:00.000Z to 2024-03-03T00:00:00.000Z); the same command goes on from there.',
      )
    })

    it('shows where an unknown job was found missing with DEBUG', async () => {
      const project = await projectWith()
      const {code, stderr} = await project.run(['run', 'diary_entires'], {DEBUG: '1'})
      expect(code).to.equal(2)
      expect(stderr).to.match(/^\s+at jobEntry .*\/dist\//m)
    })

    it('goes on where nobody reads what it prints: it is no help page', async () => {
      const project = await projectWith(
        RECORDS,
        `${YAML}  other_entries:\n    source: diary\n    source_system: other\n    file: records.json\n`,
      )
      const line = `{ "$0" "$1" run ${JOB} other_entries; echo "exit $?" >&2; } | true`
      const {stderr} = await runProgram('/bin/sh', ['-c', line, process.execPath, join(PACKAGE, 'bin', 'run.js')], {
        cwd: project.folder,
        home,
      })
      expect(lastLine(stderr)).to.equal('exit 0')
      const stored = await query(project.database, 'SELECT source_system, count(*) AS n FROM raw_objects GROUP BY 1')
      expect(stored).to.have.deep.members([
        {source_system: 'diary', n: '2'},
        {source_system: 'other', n: '2'},
      ])
    })

    it('exits with 4 and names the first run while another one reads the same stream', async () => {
      const project = await projectWith([...RECORDS, {at: '2024-03-03T12:00:00Z', hang: true}])
      const first = await project.start(['run', JOB])
      try {
        await untilStderrHas(first, 'hanging')
        const second = await project.run(['run', JOB])
        expect(second.code).to.equal(4)
        const [started] = await events(project.database, 'job.started')
        expect(second.stderr).to.contain(`run ${String(started?.['correlation_id'])} is reading the same stream`)
        expect(second.stderr).to.contain(`process ${first.process.pid ?? ''} on `)
        const testRun = await project.run(['run', JOB, '--test-table', '--until', '2024-03-03'])
        expect(testRun.code, 'test tables are not in the way').to.equal(0)
      } finally {
        first.process.kill('SIGKILL')
        await first.result
      }
      const next = await project.run(['run', JOB, '--until', '2024-03-03'])
      expect(next.code, 'a dead run is not in the way').to.equal(0)
    })
  })

  describe('a DuckDB file that another process has open', () => {
    it('is waited for ten seconds, then the run exits with 4 and names that process', async () => {
      const {holder, waited, milliseconds, unhindered} = await waiting
      expect(milliseconds).to.be.within(9_500, 15_000 + 10 * unhindered)
      for (const {code, stderr} of waited) {
        expect(code, stderr).to.equal(4)
        expect(stderr).to.contain(`(PID ${holder ?? ''})`)
        expect(stderr).to.contain('  → Close it there')
      }
    })

    it('is not in the way of a dry run with --since', async () => {
      const {blind} = await waiting
      expect(blind.code, blind.stderr).to.equal(0)
    })
  })
})
