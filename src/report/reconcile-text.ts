import {EXIT, EXIT_CHANGES} from '../base/errors.ts'
import {printable} from '../base/printable.ts'
import type {LoggedDeletions} from '../run/log-deletions.ts'
import type {ComparedKeys, SomeKeys} from '../warehouse/stored-keys.ts'
import type {ReconcileDocument} from './documents/reconcile.ts'

type Reconciled = ComparedKeys | LoggedDeletions
type Masked = (text: string) => string

/** What the job has of it: with a start it wants not all that is listed. */
interface Context {
  readonly job: string
  readonly hasStart: boolean
}

const NUMBER = new Intl.NumberFormat('en-US')
const SHOWN = 10

/** Tells a person which keys are on one side alone. */
export function formatReconciled(found: Reconciled, {job, hasStart}: Context, maskSecrets: Masked): string {
  const {listed, stored, gone, missing} = found
  const [all, kept, lost, lacking] = [listed, stored, gone.count, missing.count].map((count) => NUMBER.format(count))
  const named = (sign: string, {count, keys}: SomeKeys): readonly string[] => [
    ...keys.slice(0, SHOWN).map((key) => `${sign} ${printable(maskSecrets(key))}`),
    ...(count > SHOWN ? [`  and ${NUMBER.format(count - SHOWN)} more (--json names up to 1,000)`] : []),
  ]
  const tail = hasStart ? 'what is missing cannot be told, because the job has a start' : `${lacking} missing`
  const lines = [
    ...named('-', gone),
    ...goneLines(found),
    ...(hasStart ? [] : named('+', missing)),
    ...(hasStart || missing.count === 0
      ? []
      : ['a plain run reads what is new, and `sweep:` of the job what no window has']),
  ]
  return [
    `${job}: ${all} listed, ${kept} stored: ${lost} gone at the source, ${tail}`,
    ...lines.map((line) => `  ${line}`),
  ].join('\n')
}

function goneLines(found: Reconciled): readonly string[] {
  const {gone, untold} = found
  if (gone.count === 0) return []
  const [toldNumber, untoldNumber] = [gone.count - untold, untold].map((count) => NUMBER.format(count))
  const stay = 'the rows of what is gone stay as they are'
  if (!('deleted' in found)) {
    const rest =
      untold === 0 ? 'all of it is logged as deleted' : `${untoldNumber} of it is not logged as deleted yet: --write`
    return [stay, rest]
  }
  const {deleted, runId} = found
  const cameBack = untold - deleted.count
  return [
    ...(cameBack === 0 ? [] : [`${NUMBER.format(cameBack)} of it was there again in the second list`]),
    ...(untold === gone.count ? [] : [`${toldNumber} of it was logged as deleted before`]),
    `${NUMBER.format(deleted.count)} ${runId === undefined ? 'would be logged as deleted' : `logged as deleted by run ${runId}`}; rows stay as they are`,
  ]
}

/** Gives the exit code where it is to tell of differences. */
export const exitCodeOfDifference = ({untold, missing}: Reconciled, {hasStart}: Pick<Context, 'hasStart'>): number =>
  untold > 0 || (!hasStart && missing.count > 0) ? EXIT_CHANGES : EXIT.done

/** Gives the document of `--json`. */
export const reconcileDocumentOf = (found: Reconciled, {job, hasStart}: Context): ReconcileDocument => {
  const {listed, stored, gone, untold, missing} = found
  return {
    schema: 1,
    job,
    listed,
    stored,
    gone,
    not_marked: untold,
    missing: hasStart ? null : missing,
    marked:
      'deleted' in found
        ? {run_id: found.runId ?? null, count: found.deleted.count, keys: [...found.deleted.keys]}
        : null,
  }
}
