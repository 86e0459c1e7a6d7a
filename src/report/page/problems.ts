import type {ReportDocument} from '../documents/report.ts'
import {html, type Html} from './html.ts'
import {barsOf, tableOf} from './table.ts'
import {formatNumber, timeElement} from './words.ts'

type Fact = ReportDocument['drift'][number]

/** Shows the records that are not stored, by the reason why. */
export function rejectsSection({rejects, more_rejects: more}: ReportDocument): Html {
  if (rejects.length === 0) return html`<p class="empty">No record is left rejected.</p>`
  return html`
    ${barsOf(
      'Open rejects by reason',
      ['Job', 'Object type', 'Reason', 'Newest'].map((title) => ({title})),
      rejects.map(({job, object_type: type, reason, newest, count}) => ({
        cells: [job, type, html`<span class="error">${reason}</span>`, timeElement(newest)],
        count,
      })),
    )}
    ${more ? html`<p class="note">Of each job the oldest 10,000 are counted; one has more.</p>` : undefined}
    <p>
      <code>lorchestra rejects list JOB</code> names them, <code>lorchestra rejects retry JOB</code> reads them again.
    </p>
  `
}

/** Lists how shapes of records changed. */
export function driftSection({drift, more_drift: more}: ReportDocument): Html {
  if (drift.length === 0) return html`<p class="empty">The shape of no record has changed since it was first read.</p>`
  return html`
    ${tableOf(
      'Changed shapes of records, newest first',
      [
        {title: 'Logged'},
        {title: 'Stream'},
        {title: 'Path'},
        {title: 'Change'},
        {title: 'Seen in', isNumber: true},
        {title: 'What became of it'},
        {title: 'Run'},
      ],
      drift.map((fact) => [
        timeElement(fact.at),
        `${fact.source_system}/${fact.object_type}`,
        html`<code>${fact.path === '' ? '(the record)' : fact.path}</code>`,
        changeOf(fact),
        `${formatNumber(fact.count)} of ${formatNumber(fact.of)}`,
        html`<span class="outcome ${fact.event}">${fact.event}</span>`,
        html`<code>${fact.run_id}</code>`,
      ]),
    )}
    ${more ? html`<p class="note">These are the newest; <code>lorchestra schema diff JOB</code> has all of them.</p>` : undefined}
  `
}

function changeOf({was, types, was_always: wasAlways, always}: Fact): string {
  if (was === null) return `new: ${types.join(', ')}`
  const before = was.join(', ')
  const after = types.join(', ')
  const changed = before === after ? before : `${before} → ${after}`
  return wasAlways && !always ? `${changed}, no longer always there` : changed
}
