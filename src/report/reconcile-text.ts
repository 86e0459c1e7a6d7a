import {EXIT, EXIT_CHANGES} from '../base/errors.ts'
import {printable} from '../base/printable.ts'
import type {ComparedKeys, SomeKeys} from '../warehouse/stored-keys.ts'
import type {ReconcileDocument} from './documents/reconcile.ts'

type Masked = (text: string) => string

/** What the job has of it: with a start it wants not all that is listed. */
interface Context {
  readonly job: string
  readonly hasStart: boolean
}

const NUMBER = new Intl.NumberFormat('en-US')
const SHOWN = 10

/** Tells a person which keys are on one side alone. */
export function formatReconciled(
  {listed, stored, gone, missing}: ComparedKeys,
  {job, hasStart}: Context,
  maskSecrets: Masked,
): string {
  const [all, kept, lost, lacking] = [listed, stored, gone.count, missing.count].map((count) => NUMBER.format(count))
  const named = (sign: string, {count, keys}: SomeKeys): readonly string[] => [
    ...keys.slice(0, SHOWN).map((key) => `${sign} ${printable(maskSecrets(key))}`),
    ...(count > SHOWN ? [`  and ${NUMBER.format(count - SHOWN)} more (--json names up to 1,000)`] : []),
  ]
  const tail = hasStart ? 'what is missing cannot be told, because the job has a start' : `${lacking} missing`
  const lines = [
    ...named('-', gone),
    ...(gone.count === 0 ? [] : ['the rows of what is gone stay as they are']),
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

/** Gives the exit code where it is to tell of differences. */
export const exitCodeOfDifference = ({gone, missing}: ComparedKeys, {hasStart}: Pick<Context, 'hasStart'>): number =>
  gone.count > 0 || (!hasStart && missing.count > 0) ? EXIT_CHANGES : EXIT.done

/** Gives the document of `--json`. */
export const reconcileDocumentOf = (
  {listed, stored, gone, missing}: ComparedKeys,
  {job, hasStart}: Context,
): ReconcileDocument => ({schema: 1, job, listed, stored, gone, missing: hasStart ? null : missing})
