import type {TimeWindow} from '../model/window.ts'
import type {Reject} from '../warehouse/warehouse.ts'
import {formatTable} from './text-table.ts'

/** So many references of one reason are shown; `--json` has all of them. */
const SHOWN = 10

/** Formats rejects, those with the same reason together, in the order in which the reasons came. */
export function formatRejects(rejects: readonly Reject[]): string {
  const byReason = new Map<string, Reject[]>()
  for (const reject of rejects) {
    const key = JSON.stringify([reject.stream.objectType, reject.reason])
    const same = byReason.get(key)
    if (same === undefined) byReason.set(key, [reject])
    else same.push(reject)
  }
  const rows = [...byReason.values()].flatMap((same) => [
    ...same.slice(0, SHOWN).map(({stream, reference, reason}) => [stream.objectType, reference, reason]),
    ...(same.length > SHOWN
      ? [[same[0]?.stream.objectType ?? '', `and ${same.length - SHOWN} more`, same[0]?.reason ?? '']]
      : []),
  ])
  return formatTable([['OBJECT TYPE', 'REFERENCE', 'REASON'], ...rows])
}

/** Formats the command that reads windows again; an unbounded one only `--full` can name. */
export function commandToReadAgain(job: string, window: TimeWindow, modeFlag: string | undefined): string {
  const mode = modeFlag === undefined ? '' : ` --${modeFlag}`
  if (!Number.isFinite(window.since)) return `lorchestra run ${job}${mode} --full`
  const [since, until] = [window.since, window.until].map((instant) => new Date(instant).toISOString())
  return `lorchestra run ${job}${mode} --since ${since} --until ${until}`
}
