import {counted} from '../base/counted.ts'
import {printable} from '../base/printable.ts'
import {EXIT, EXIT_UNSTABLE} from '../base/errors.ts'
import {formatWindow, windowAsText} from '../model/window.ts'
import type {Verification} from '../run/verify-job.ts'
import type {VerifyDocument} from './documents/verify.ts'

type Masked = (text: string) => string
type Verdict = VerifyDocument['verdict']

const NUMBER = new Intl.NumberFormat('en-US')
const SHOWN = 5
const PATHS_SHOWN = 12
const LISTED = 100

const EXIT_OF: Readonly<Record<Verdict, number>> = {
  stable: EXIT.done,
  unstable_fields: EXIT_UNSTABLE,
  keys_differ: EXIT.failed,
}

export const exitCodeOfVerdict = (found: Verification): number => EXIT_OF[verdictOf(found)]

function verdictOf({differing, shared, unstableRecords}: Verification): Verdict {
  if (differing.length + shared.length > 0) return 'keys_differ'
  return unstableRecords > 0 ? 'unstable_fields' : 'stable'
}

/** Tells a person what readings of one window have shown. */
export function formatVerification(job: string, found: Verification, maskSecrets: Masked): string {
  const show = (text: string): string => printable(maskSecrets(text))
  const {records, readings, duplicates, rejected, unstable, unstableRecords} = found
  const isStable = verdictOf(found) === 'stable'
  const times = readings === 2 ? 'twice' : 'three times'
  const head =
    records === 0
      ? `${job}: no records were read, so nothing was compared`
      : `${isStable ? '✓' : '✗'} ${job}: ${counted(records, 'record')} read ${times}: ${keysPhrase(found)}, ${payloadsPhrase(found)}`
  const lines = [
    ...extent(found),
    ...keyLines(found, show),
    ...unstable
      .slice(0, PATHS_SHOWN)
      .map(({path, records: count}) => `${show(path)} is another one each time in ${counted(count, 'record')}`),
    ...more(unstable.length - PATHS_SHOWN, 'unstable fields'),
    ...(unstableRecords === 0
      ? []
      : [`a second run that reads them again would update ${counted(unstableRecords, 'row')} each time`]),
    ...meanwhileLines(found, show),
    ...(duplicates === 0
      ? []
      : [`${counted(duplicates, 'record')} came again within one reading, with the same payload`]),
    ...(rejected === 0
      ? []
      : [`${counted(rejected, 'record')} cannot be stored, and ${rejected === 1 ? 'was' : 'were'} not compared`]),
  ]
  return [head, ...lines.map((line) => `  ${line}`)].join('\n')
}

function keysPhrase({differing, shared, meanwhile: {gone, added}, records}: Verification): string {
  if (differing.length > 0) return `${NUMBER.format(differing.length)} keys that are not there each time`
  if (shared.length > 0) return `${NUMBER.format(shared.length)} keys that several records have`
  if (gone.length + added.length > 0) return 'the same keys, but for what was changed meanwhile'
  return `the same ${NUMBER.format(records)} keys`
}

function payloadsPhrase({unstable, unstableRecords, meanwhile: {changed}}: Verification): string {
  if (unstableRecords > 0)
    return `the same payloads except for ${unstable.length} unstable ${unstable.length === 1 ? 'field' : 'fields'}`
  return changed.length > 0 ? 'the same payloads, but for what was changed meanwhile' : 'the same payloads'
}

const extent = ({windows, isWhole, records}: Verification): readonly string[] => {
  const read = windows.map(formatWindow).join('; ')
  if (isWhole) return [`that is all there is of ${read}`]
  return [`these are the first ${NUMBER.format(records)} of ${read}; what comes after them was not read`]
}

function keyLines({differing, renamed, shared}: Verification, show: Masked): readonly string[] {
  return [
    ...(renamed.length > 0
      ? renamed.slice(0, SHOWN).map(({from, to}) => `${show(from)} → ${show(to)} (the same payload under another key)`)
      : differing.slice(0, SHOWN).map((key) => `${show(key)} is not there each time`)),
    ...(differing.length === 0
      ? []
      : ['records whose key is another one each time are stored anew by every run that reads them']),
    ...shared
      .slice(0, SHOWN)
      .map((key) => `${show(key)} is the key of several records with other payloads: one row would be kept`),
  ]
}

function meanwhileLines({meanwhile: {changed, gone, added}}: Verification, show: Masked): readonly string[] {
  const lines = [
    ...changed
      .slice(0, SHOWN)
      .map(({idemKey, paths}) => `${show(idemKey)} was changed meanwhile: ${show(paths.slice(0, SHOWN).join(' '))}`),
    ...more(changed.length - SHOWN, 'records that were changed meanwhile'),
    ...gone.slice(0, SHOWN).map((key) => `${show(key)} was gone at the second reading`),
    ...more(gone.length - SHOWN, 'records that were gone'),
    ...added.slice(0, SHOWN).map((key) => `${show(key)} was new at the second reading`),
    ...more(added.length - SHOWN, 'records that were new'),
  ]
  return lines.length === 0 ? [] : [...lines, 'verify again: what is named each time was not changed by chance']
}

const more = (count: number, what: string): readonly string[] =>
  count <= 0 ? [] : [`and ${NUMBER.format(count)} more ${what}`]

/** Gives the document of `--json`. */
export function verifyDocumentOf(job: string, found: Verification): VerifyDocument {
  const {differing, renamed, shared, meanwhile} = found
  return {
    schema: 1,
    job,
    verdict: verdictOf(found),
    windows: found.windows.map(windowAsText),
    whole: found.isWhole,
    readings: found.readings,
    records: found.records,
    rejected: found.rejected,
    duplicates: found.duplicates,
    keys: {
      equal: differing.length === 0,
      differing: differing.length,
      examples: differing.slice(0, LISTED),
      renamed,
      shared: shared.slice(0, LISTED),
    },
    unstable: found.unstable,
    unstable_records: found.unstableRecords,
    changed_meanwhile: {
      changed: meanwhile.changed.slice(0, LISTED).map(({idemKey, paths}) => ({idem_key: idemKey, paths})),
      gone: meanwhile.gone.slice(0, LISTED),
      added: meanwhile.added.slice(0, LISTED),
    },
  }
}
