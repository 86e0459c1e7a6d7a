/** What the site holds, in the order in which it is read. `docs/commands/*` stands for all pages of that folder. */
export const READING_ORDER: readonly {readonly title: string; readonly pages: readonly string[]}[] = [
  {title: 'Start', pages: ['docs/demo.md', 'README.md', 'docs/second-account.md', 'docs/go-back.md', 'docs/faq.md']},
  {
    title: 'Sources',
    pages: ['docs/gmail.md', 'docs/dataverse.md', 'docs/rest.md', 'docs/files.md', 'docs/write-a-source.md'],
  },
  {
    title: 'Every day',
    pages: ['docs/runs.md', 'docs/safe-loop.md', 'docs/schedules.md', 'docs/report.md', 'docs/configuration.md'],
  },
  {title: 'Warehouse', pages: ['docs/tables.md', 'docs/bigquery.md', 'docs/bigquery-costs.md']},
  {
    title: 'Reference',
    pages: [
      'docs/errors.md',
      'docs/json/README.md',
      'docs/stability.md',
      'docs/glossary.md',
      'CHANGELOG.md',
      'docs/commands/*',
    ],
  },
  {
    title: 'Inside',
    pages: [
      'docs/architecture.md',
      'docs/box.md',
      'docs/proof.md',
      'artifacts/test/*',
      'test/support/bigquery/README.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      'docs/decisions/README.md',
    ],
  },
]

/** The first page that a reader sees. */
export const HOME = 'docs/demo.md'

/** Decisions are read from their list; a column of all of them would hide the rest. */
export const BESIDE = /^docs\/decisions\/\d/

/** What hides what people look for, where the search finds it: reasons, and every member of every document of `--json`. */
export const UNSEARCHED = /^\/docs\/(?:decisions|json)\//
