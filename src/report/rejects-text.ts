import {commonReason, kindOfReason} from '../model/reject-reason.ts'
import {rowOf, type RunMode} from '../model/run-mode.ts'
import type {Reject} from '../warehouse/warehouse.ts'
import type {Screen} from '../base/screen.ts'
import {formatTable, type Column, type Row} from './text-table.ts'

/** So many references of one reason are shown; `--json` has all of them. */
const SHOWN = 10

const COLUMNS: readonly Column[] = [
  {name: 'STATE'},
  {name: 'OBJECT TYPE', leaves: 1},
  {name: 'REFERENCE', wraps: true},
  {name: 'REASON', wraps: true},
]

/** Formats rejects, those for one kind of reason together, in the order in which the kinds came. */
export function formatRejects(rejects: readonly Reject[], screen: Screen): string {
  const byKind = new Map<string, Reject[]>()
  for (const reject of rejects) {
    const kind = JSON.stringify([reject.stream.objectType, kindOfReason(reject.reason)])
    const alike = byKind.get(kind)
    if (alike === undefined) byKind.set(kind, [reject])
    else alike.push(reject)
  }
  const rows = [...byKind.values()].flatMap((alike) => [
    ...alike
      .slice(0, SHOWN)
      .map((reject): Row => [stateOf(reject), reject.stream.objectType, reject.reference, reject.reason]),
    ...restOf(alike.slice(SHOWN)),
  ])
  return formatTable(COLUMNS, rows, screen)
}

function restOf(rest: readonly Reject[]): readonly Row[] {
  const [first] = rest
  if (first === undefined) return []
  const reason = rest.map((reject) => reject.reason).reduce(commonReason)
  return [['', first.stream.objectType, `and ${rest.length} more`, reason]]
}

const stateOf = ({open}: Reject): Row[number] =>
  open ? {text: 'open', means: 'warning'} : {text: 'closed', means: 'quiet'}

/** Formats the command that reads a job's rejected records again. */
export function commandToRetry(job: string, mode: RunMode): string {
  const {flag} = rowOf(mode)
  return `lorchestra rejects retry ${job}${flag === undefined ? '' : ` --${flag.name}`}`
}
