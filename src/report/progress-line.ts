import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'

import type {Pace} from './pace.ts'
import {formatSpan} from '../base/span.ts'
import {ageOf} from './time-text.ts'

const NUMBER = new Intl.NumberFormat('en-US')
const DAY = 86_400_000
/** A job's name is cut to this before anything else than units is left out. */
const SHORTEST_NAME = 10

/** This is what one job has done so far. Times are milliseconds since 1970. */
export interface ProgressState {
  readonly job: string
  readonly extracted: number
  readonly listed: number
  /** They count against the source's rate limit. */
  readonly units: number
  /** The number of records to extract, where the source has counted them. */
  readonly expected: number | undefined
  readonly waitingUntil: number | undefined
  /** The program that keeps the run from its warehouse. */
  readonly heldBy: string | undefined
  readonly pace: Pace
  /** How much of the time that was planned is read, where all of it begins and ends. */
  readonly time: ReadTime | undefined
}

/** Milliseconds of records, not of the run. */
export interface ReadTime {
  readonly planned: number
  readonly read: number
  readonly pace: Pace
}

/** Formats one line for a terminal of so many columns, with times in its own zone. What matters least is left out first. */
export function progressLine(state: ProgressState, now: number, columns = Infinity): string {
  const {job, extracted, listed, units, expected, pace} = state
  const perSecond = pace.perSecond(now, extracted)
  const counted = expected !== undefined && expected > extracted ? expected : undefined
  const time = counted === undefined ? partOf(state.time) : undefined
  const [part, seconds] =
    counted === undefined
      ? [
          time && time.read / time.planned,
          time && secondsFor(time.planned - time.read, time.pace.perSecond(now, time.read)),
        ]
      : [extracted / counted, secondsFor(counted - extracted, perSecond)]
  const share = part === undefined ? [] : [`${Math.floor(part * 100)} %`]
  const of = counted === undefined && listed > 0 ? ` of ${NUMBER.format(listed)} listed` : ''
  const count = [
    counted === undefined
      ? `${NUMBER.format(extracted)} extracted${of}`
      : `${NUMBER.format(extracted)} of ${NUMBER.format(counted)}`,
  ]
  const rate = [formatRate(perSecond)]
  const head = share.length === 0 ? [`${NUMBER.format(extracted)} extracted`] : share
  const left = seconds === undefined ? [] : [`${formatLeft(seconds)} left`]
  const leftInShort = seconds === undefined ? [] : [`${seconds < 60 ? `${seconds} s` : ageOf(seconds * 1000)} left`]
  const [waits, waitsInShort] = waitOf(state, now)
  const used = units > 0 ? [`${NUMBER.format(units)} units used`] : []
  const choices = [
    [...share, ...count, ...rate, ...left, ...waits, ...used],
    [...share, ...count, ...rate, ...left, ...waits],
    [...head, ...rate, ...leftInShort, ...waitsInShort],
    [...head, ...leftInShort, ...waitsInShort],
    waitsInShort.length > 0 ? waitsInShort : head,
  ]
  for (const parts of choices) {
    const text = `: ${parts.join(', ')}`
    const room = columns - stringWidth(text)
    if (room >= Math.min(stringWidth(job), SHORTEST_NAME)) return `${cut(job, room)}${text}`
  }
  return cut(`${job}: ${choices.at(-1)?.join(', ') ?? ''}`, columns)
}

/** Formats one line for jobs that run at the same time. */
export function progressOfSeveral(states: readonly ProgressState[], now: number, columns = Infinity): string {
  const extracted = states.reduce((sum, state) => sum + state.extracted, 0)
  const perSecond = states.reduce((sum, state) => sum + state.pace.perSecond(now, state.extracted), 0)
  const ends = states.flatMap(({waitingUntil = 0}) => (waitingUntil > now ? [waitingUntil] : []))
  const waits =
    ends.length === 0
      ? ''
      : `, ${ends.length} ${ends.length === 1 ? 'waits' : 'wait'} for quota until ${timeOfDay(Math.min(...ends), now)}`
  const each = states.map((state) => `${state.job} ${NUMBER.format(state.extracted)}`).join(', ')
  const held = states.some(({heldBy}) => heldBy !== undefined) ? ', waiting for the database' : ''
  return cut(
    `${states.length} jobs: ${NUMBER.format(extracted)} extracted, ${formatRate(perSecond)}${waits}${held}: ${each}`,
    columns,
  )
}

/** Before the first part is read nobody knows how the time is divided, and what is left after the last one is no reading. */
const partOf = (time: ReadTime | undefined): ReadTime | undefined =>
  time !== undefined && time.read > 0 && time.read < time.planned ? time : undefined

/** Nobody knows how long it takes while nothing comes. */
const secondsFor = (rest: number, perSecond: number): number | undefined =>
  perSecond <= 0 ? undefined : Math.ceil(rest / perSecond)

const formatRate = (perSecond: number): string =>
  `${perSecond < 10 ? perSecond.toFixed(1) : NUMBER.format(Math.round(perSecond))}/s`

function formatLeft(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  return formatSpan(seconds > 600 ? Math.ceil(seconds / 60) * 60_000 : seconds * 1000)
}

function waitOf({waitingUntil, heldBy}: ProgressState, now: number): readonly [readonly string[], readonly string[]] {
  const isPaused = waitingUntil !== undefined && waitingUntil > now
  const until = isPaused ? `quota until ${timeOfDay(waitingUntil, now)}` : ''
  const long = [
    ...(isPaused ? [`waiting for ${until}`] : []),
    ...(heldBy === undefined ? [] : [`waiting for ${heldBy} to close the database`]),
  ]
  const short = [...(isPaused ? [until] : []), ...(heldBy === undefined ? [] : ['database held'])]
  return [long, short]
}

/** Cuts a text to so many columns; no character is torn. */
function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text
  const [first = ''] = wrapAnsi(text, Math.max(1, columns - 1), {hard: true, trim: false, wordWrap: false}).split('\n')
  // A wide character alone may be too wide.
  return stringWidth(first) < columns ? `${first.trimEnd()}…` : '…'
}

function timeOfDay(instant: number, now: number): string {
  const local = new Date(instant - new Date(instant).getTimezoneOffset() * 60_000).toISOString()
  return instant - now < DAY / 2 ? local.slice(11, 19) : local.slice(0, 19).replace('T', ' ')
}
