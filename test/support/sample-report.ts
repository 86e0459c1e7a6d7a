import type {ReportDocument, ReportedRun} from '../../src/report/documents/report.ts'

/** What a source or a person may have called a thing: it closes tags, ends attributes, and turns text around. */
export const HOSTILE = `</style></title><script>alert(1)</script>" onload='x' \u202Egnp.\u0007 &amp; <img src=https://example.com/a.png>`

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-03-01T06:00:00.000Z')
const at = (instant: number): string => new Date(instant).toISOString()
const daysAgo = (days: number): string => at(NOW - days * DAY)

const NO_COUNTS = {
  listed: 0,
  extracted: 0,
  known: 0,
  outside: 0,
  gone: 0,
  rejected: 0,
  deleted: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  duplicates: 0,
}

/** Gives a report of tables in which nothing was ever written. */
export const emptyReport = (): ReportDocument => ({
  schema: 1,
  file: '/srv/report.html',
  generated_at: at(NOW),
  warehouse: 'DuckDB',
  tables: {event_log: 'event_log', raw_objects: 'raw_objects'},
  test_tables: false,
  stored: {
    bytes: null,
    tables: ['event_log', 'raw_objects'].map((name) => ({
      name,
      exists: false,
      rows: null,
      bytes: null,
      partitioned_by: null,
      clustered_by: null,
    })),
    streams: [],
  },
  gaps: [],
  runs: [],
  more_runs: false,
  rejects: [],
  more_rejects: false,
  drift: [],
  more_drift: false,
  plan: null,
  comparisons: [],
  last_diffs: [],
  last_comparisons: [],
  bytes_billed: null,
})

/** Gives a report in which everything that it can tell has happened, to things with that name. */
export function fullReport(name: string): ReportDocument {
  const stream = {source_system: 'gmail--acct1', object_type: 'email'}
  const gap = {since: daysAgo(50), until: daysAgo(41)}
  const others = {account: 'clinic', source_system: 'dataverse--clinic', selection: '0a1b2c3d', last_commit: daysAgo(0)}
  const paths = ['/emailaddress1', '/modifiedon', `/${name}`].map((path, index) => ({path, records: 340 - index * 120}))
  return {
    ...emptyReport(),
    stored: {
      bytes: 48_234_496,
      tables: ['event_log', 'raw_objects'].map((table, index) => ({
        name: table,
        exists: true,
        rows: [1843, 128_455][index] ?? 0,
        bytes: null,
        partitioned_by: null,
        clustered_by: null,
      })),
      streams: [
        {
          ...stream,
          job: 'gmail_ingest_acct1',
          account: 'acct1',
          selection: '5f2e11aa',
          covered: [
            {since: daysAgo(120), until: gap.since},
            {since: gap.until, until: daysAgo(0.2)},
          ],
          last_commit: daysAgo(0.2),
        },
        {...others, job: 'contacts', object_type: 'contact', covered: [{since: null, until: daysAgo(0.1)}]},
        {...others, job: name, object_type: 'appointment', covered: [{since: daysAgo(30), until: daysAgo(6)}]},
      ],
    },
    gaps: [{...stream, job: 'gmail_ingest_acct1', account: 'acct1', window: gap}],
    runs: Array.from({length: 160}, (_, index) => runOf(index, name)),
    more_runs: true,
    rejects: [
      ['the record has no id', 214],
      ['payload of … bytes is larger than the largest of … bytes', 31],
      [name, 2],
    ].map(([reason, count]) => ({
      ...stream,
      job: 'gmail_ingest_acct1',
      reason: String(reason),
      count: Number(count),
      newest: daysAgo(1.5),
    })),
    drift: [
      {path: '/address/city', was: null, types: ['string'] as const, was_always: false, always: false},
      {
        path: `/${name}`,
        was: ['integer'] as const,
        types: ['integer', 'string'] as const,
        was_always: true,
        always: false,
      },
    ].map((fact, index) => ({
      ...fact,
      at: daysAgo(4 + index),
      run_id: 'contacts-20260225060000-0a1b2c3d',
      event: index === 0 ? ('changed' as const) : ('refused' as const),
      source_system: 'dataverse--clinic',
      object_type: 'contact',
      count: 12,
      of: 500,
    })),
    plan: {
      id: '9'.repeat(64),
      job: 'contacts',
      account: 'clinic',
      made_at: daysAgo(0.3),
      expires_at: daysAgo(-0.7),
      windows: [{since: daysAgo(2), until: daysAgo(0)}],
      diff: {
        compared: {table: 'raw_objects', exists: true, at: daysAgo(0.3)},
        counts: {insert: 12, update: 340, unchanged: 148, newer: 0, duplicate: 0, rejected: 1, known: 0, delete: 2},
        by_object_type: [],
        paths,
        changes_elsewhere: 0,
        samples: [
          {
            idem_key: `contact:dataverse--clinic:${name}`,
            kind: 'update',
            last_seen: daysAgo(3),
            changes: [{op: 'replace', path: '/emailaddress1', from: '"person4@example.com"', to: JSON.stringify(name)}],
          },
          {idem_key: 'contact:dataverse--clinic:2', kind: 'insert', payload: '{"fullname":"Ada"}'},
          {idem_key: 'contact:dataverse--clinic:3', kind: 'delete'},
        ],
        moved: null,
      },
    },
    comparisons: [
      {
        job: 'gmail_ingest_acct1',
        comparison: {
          counts: {insert: 220, update: 3, newer: 0, unchanged: 4100, only_in_production: 18},
          paths,
          samples: [],
          streams: [],
          test_runs: ['gmail_ingest_acct1-20260228060000-00000001'],
          production_runs: [],
        },
      },
    ],
    last_diffs: [
      {
        job: name,
        account: 'clinic',
        run_id: 'contacts-20260228230000-0a1b2c3d',
        at: daysAgo(0.4),
        windows: [{since: daysAgo(2), until: daysAgo(0)}],
        diff: {
          compared: {table: 'raw_objects', exists: true, at: daysAgo(0.4)},
          counts: {insert: 3, update: 41, unchanged: 9, newer: 0, duplicate: 0, rejected: 0, known: 0, delete: 0},
          by_object_type: [],
          paths,
          changes_elsewhere: 0,
          samples: [],
          moved: null,
        },
      },
    ],
    last_comparisons: [
      {
        job: name,
        test_set: name,
        at: daysAgo(3),
        comparison: {
          counts: {insert: 2, update: 1, newer: 0, unchanged: 500, only_in_production: 0},
          paths: [],
          samples: [],
          streams: [],
          test_runs: ['contacts-20260226060000-00000002'],
          production_runs: [],
        },
      },
    ],
    bytes_billed: 31_457_280,
  }
}

function runOf(index: number, name: string): ReportedRun {
  const started = NOW - index * 13 * HOUR
  const outcome = index % 29 === 5 ? 'failed' : index === 40 ? 'undone' : index === 0 ? 'running' : 'done'
  const seconds = 2 + ((index * 37) % 90) * (index % 17 === 3 ? 40 : 1)
  const inserted = outcome === 'failed' ? 0 : 120 + ((index * 7919) % 900)
  const updated = (index * 31) % 140
  const rejected = index % 11 === 0 ? 9 : 0
  return {
    run_id: `contacts-2026-${index}`,
    job: index % 3 === 0 ? 'contacts' : 'gmail_ingest_acct1',
    account: 'acct1',
    mode: 'production',
    outcome,
    started_at: at(started),
    ended_at: outcome === 'running' ? null : at(started + seconds * 1000),
    duration_seconds: outcome === 'running' ? null : seconds,
    counts: {...NO_COUNTS, extracted: inserted + updated + rejected, inserted, updated, rejected},
    error: outcome === 'failed' ? `the service answered 503 (${name})` : null,
    promotes: index === 12 ? ['contacts-2026-13'] : [],
    undoes: index === 41 ? ['contacts-2026-42'] : [],
    plan: null,
    kind: index === 12 ? 'promotion' : index === 41 ? 'undo' : 'run',
    commits: 2,
    bytes_billed: outcome === 'running' ? null : 10_485_760 * (1 + (index % 5)),
  }
}
