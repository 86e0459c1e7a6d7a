import {createHash} from 'node:crypto'

import {formatBytes} from '../bytes-text.ts'
import type {ReportDocument} from '../documents/report.ts'
import {coverageSection} from './coverage.ts'
import {differencesSection} from './differences.ts'
import {RUN_MARKS} from './duration-chart.ts'
import {html, Html, type Part} from './html.ts'
import {driftSection, rejectsSection} from './problems.ts'
import {billedSection, runsSection} from './runs.ts'
import {STYLE} from './style.ts'
import {tableOf} from './table.ts'
import {formatNumber, formatTime, timeElement} from './words.ts'

/** Every page begins with it, so that no other file is overwritten. */
export const FIRST_LINE = '<!doctype html><!-- lorchestra report -->'

const SECTIONS = [
  {id: 'coverage', title: 'Coverage', of: coverageSection},
  {id: 'runs', title: 'Runs', of: runsSection},
  {id: 'rejects', title: 'Open rejects', of: rejectsSection},
  {id: 'drift', title: 'Changed shapes of records', of: driftSection},
  {id: 'billed', title: 'Bytes billed', of: billedSection},
  {id: 'differences', title: 'Differences', of: differencesSection},
  {id: 'tables', title: 'Tables', of: tablesSection},
] as const

/** Nothing is fetched and nothing runs: the page may use its own style, and no other thing. */
const policy = (): string =>
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; img-src data:; base-uri 'none'; form-action 'none'`

/** Its content is what the policy has the hash of, to the last blank. */
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`)

/** Makes the page of a report: one file of HTML that needs no other. */
export function pageOf(report: ReportDocument): string {
  const {tables, warehouse, generated_at: now, test_tables: isTest} = report
  const title = isTest ? 'lorchestra report of test tables' : 'lorchestra report'
  const page = html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy()}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}, ${formatTime(now)}</title>
        <link rel="icon" href="data:," />
        ${STYLE_ELEMENT}
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        ${RUN_MARKS}
        <header>
          <h1>${title}</h1>
          <p>${tables.raw_objects} and ${tables.event_log} in ${warehouse}, as they were ${timeElement(now)}</p>
          <nav aria-label="Sections">
            <ul>
              ${SECTIONS.map(({id, title: name}) => html`<li><a href="#${id}">${name}</a></li>`)}
            </ul>
          </nav>
        </header>
        <main id="main" tabindex="-1">
          ${factsOf(report)}
          ${SECTIONS.map(
            ({id, title: name, of}) =>
              html`<section id="${id}" aria-labelledby="${id}-title">
                <h2 id="${id}-title">${name}</h2>
                ${of(report)}
              </section>`,
          )}
        </main>
        <footer>
          <p>
            Made by <code>lorchestra report</code>. Times are UTC. It holds no payload unless
            <code>--diff-samples</code> asked for some, and needs no network.
          </p>
        </footer>
      </body>
    </html>
  `
  return `${FIRST_LINE}${page.text}`
}

interface Fact {
  readonly name: string
  readonly value: Part
  readonly isBad?: boolean
}

function factsOf({stored, tables, gaps, runs, rejects}: ReportDocument): Html {
  const rows = stored.tables.find(({name}) => name === tables.raw_objects)?.rows
  const failed = runs.filter(({outcome}) => outcome === 'failed' || outcome === 'died').length
  const open = rejects.reduce((sum, {count}) => sum + count, 0)
  const streams = new Set(stored.streams.map((stream) => `${stream.source_system}/${stream.object_type}`)).size
  const facts: readonly Fact[] = [
    {name: 'records stored', value: rows === null || rows === undefined ? '–' : formatNumber(rows)},
    {name: 'streams', value: formatNumber(streams)},
    {name: 'gaps', value: formatNumber(gaps.length), isBad: gaps.length > 0},
    {name: 'runs', value: formatNumber(runs.length)},
    {name: 'of them failed', value: formatNumber(failed), isBad: failed > 0},
    {name: 'open rejects', value: formatNumber(open), isBad: open > 0},
  ]
  return html`<dl class="facts">
    ${facts.map(
      ({name, value, isBad}) =>
        html`<div class="${isBad === true ? 'bad' : ''}">
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

function tablesSection({stored: {tables, bytes}}: ReportDocument): Html {
  return html`
    ${tableOf(
      'Tables and their sizes',
      [
        {title: 'Table'},
        {title: 'Rows', isNumber: true},
        {title: 'Bytes', isNumber: true},
        {title: 'Partitioned by'},
        {title: 'Clustered by'},
      ],
      tables.map((table) => [
        table.name,
        table.exists ? numberOr(table.rows) : 'not there yet',
        numberOr(table.bytes),
        table.partitioned_by ?? '–',
        table.clustered_by?.join(', ') ?? '–',
      ]),
    )}
    ${bytes === null ? undefined : html`<p>The file holds ${formatBytes(bytes)}.</p>`}
  `
}

const numberOr = (value: number | null): string => (value === null ? '–' : formatNumber(value))
