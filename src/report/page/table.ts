import {html, type Html, type Part} from './html.ts'
import {formatNumber} from './words.ts'

export interface Column {
  readonly title: string
  /** Numbers stand at the right. */
  readonly isNumber?: boolean
}

/** Makes a table that scrolls by itself where the page is narrow; `label` says what it holds. */
export const tableOf = (label: string, columns: readonly Column[], rows: readonly (readonly Part[])[]): Html =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${label}">
    <table>
      <thead>
        <tr>
          ${columns.map(({title, isNumber}) => html`<th scope="col" class="${isNumber === true ? 'number' : ''}">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell, index) => cellOf(columns[index], cell))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`

const cellOf = (column: Column | undefined, cell: Part): Html =>
  column?.isNumber === true ? html`<td class="number">${cell}</td>` : html`<td>${cell}</td>`

export const detailsOf = (summary: string, content: Html): Html =>
  html`<details>
    <summary>${summary}</summary>
    ${content}
  </details>`

/** Makes a list of counts, each with a bar as long as its share of the largest one. */
export function barsOf(
  label: string,
  columns: readonly Column[],
  rows: readonly {readonly cells: readonly Part[]; readonly count: number}[],
): Html {
  const most = Math.max(1, ...rows.map(({count}) => count))
  return tableOf(
    label,
    [...columns, {title: 'Records', isNumber: true}, {title: 'Share of the largest'}],
    rows.map(({cells, count}) => [
      ...cells,
      formatNumber(count),
      html`<svg class="bar" width="100%" height="12" aria-hidden="true">
        <rect class="mark" width="${(count / most) * 100}%" height="12" rx="2" />
      </svg>`,
    ]),
  )
}
