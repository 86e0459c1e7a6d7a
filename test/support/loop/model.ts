import {CLOCK_TOLERANCE} from '../../../src/model/clock.ts'
import {dueWindows, mergeWindows, type TimeWindow} from '../../../src/model/window.ts'
import type {Random} from '../random.ts'

const MINUTE = 60_000
const IDS = 8

export interface Content {
  /** The record was changed then, by the clock of its source; milliseconds. */
  readonly at: number
  readonly n: number
}
/** The records by their ids. */
export type Contents = ReadonlyMap<string, Content>

export interface Row extends Content {
  readonly firstSeen: number
  readonly lastSeen: number
  /** The write that inserted it; rows that were copied by hand have that of the original. */
  readonly by: string
  /** Somebody wrote `last_seen` by hand. */
  readonly seenByHand?: true
}
/** The rows of an account in one table by the ids of their records. */
export type Rows = ReadonlyMap<string, Row>

export interface Table {
  readonly rows: Rows
  readonly covered: readonly TimeWindow[]
}

/** What a run, a promotion or an applied plan did to production. */
export interface Written {
  readonly runId: string
  /** Rows that it inserted say so. */
  readonly by: string
  readonly before: Table
  /** It promoted runs of these test tables. */
  readonly testTables?: number
  /** Rows that it changed, as they were before. */
  readonly former: Rows
  readonly inserted: number
  /** Somebody dropped the table of former payloads. */
  readonly isFormerLost?: true
}

/** What a piece of work makes of a table. */
export interface Change extends Pick<Written, 'former' | 'inserted'>, Table {}

export interface Reading {
  readonly by: string
  readonly now: number
  readonly windows: readonly TimeWindow[]
  readonly records: Contents
}

/** Stands for the write that inserted a row whose `first_seen` tells nothing. */
export const BY_HAND = 'hand'
export const SEEDED = 'seed'

const NOTHING: Table = {rows: new Map(), covered: []}

interface AboutAccount {
  readonly name: string
  readonly keys: string
  readonly begin: number
  /** The record as its source sends it. */
  readonly payloadOf: (id: string, content: Content) => object
}

/** What an account's tables hold, and what was done to them. */
export class ModelOfAccount {
  readonly name: string
  /** Begins the keys of its rows. */
  readonly keys: string
  /** Runs read nothing from before. */
  readonly begin: number
  readonly payloadOf: AboutAccount['payloadOf']
  source: Contents = new Map()
  production: Table = NOTHING
  written: Written[] = []
  test: Table = NOTHING
  /** Counts the test tables that there were. */
  testTables = 0
  /** A test run or a seed was there, even one that found nothing to read. */
  hasTested = false
  isSeeded = false
  /** Rows that a seed copied were taken back in production since. */
  isSeedUndone = false
  /** What test runs have read themselves; a seed brought along the rest of what is covered. */
  testedWindows: readonly TimeWindow[] = []
  isPromoted = false
  /** The log tells of so many rows in the test tables. */
  announced = 0
  /** Somebody wrote rows by hand so that what is refused for it is not foretold. */
  isTampered = false
  /** Somebody wrote a row by hand. */
  isEdited = false
  /** A clock was wrong while these tables were written. */
  isSkewed = false
  /** What was written to production before the first run into these test tables. */
  #writtenBefore = 0

  constructor({name, keys, begin, payloadOf}: AboutAccount) {
    this.name = name
    this.keys = keys
    this.begin = begin
    this.payloadOf = payloadOf
  }

  change(random: Random): void {
    const source = new Map(this.source)
    const age = source.size === 0 ? 30 * MINUTE : 0
    for (let change = random.integer(0, 3); change > 0; change -= 1) {
      const at = Date.now() - Math.floor(random.next() * age)
      source.set(String(random.integer(1, IDS)), {at, n: random.integer(1, 4)})
    }
    this.source = source
  }

  /** Gives what a run at that time reads; `undefined`: its clock cannot be right. */
  reading(table: Table, {now, full, by}: {readonly now: number; readonly full: boolean; readonly by: string}) {
    if (table.covered.some(({until}) => until > now + CLOCK_TOLERANCE)) return undefined
    const range = {since: this.begin, until: now}
    const windows = full ? mergeWindows([range]) : dueWindows(range, table.covered, CLOCK_TOLERANCE)
    const records = new Map(
      [...this.source].filter(([, {at}]) => windows.some(({since, until}) => since <= at && at < until)),
    )
    return {by, now, windows, records}
  }

  #beginTest(): void {
    if (!this.hasTested) this.#writtenBefore = this.written.length
    this.hasTested = true
  }

  tested(change: Change, {windows}: Reading): void {
    this.#beginTest()
    this.test = {rows: change.rows, covered: change.covered}
    this.announced += change.inserted
    if (windows.length === 0) return
    this.testedWindows = mergeWindows([...this.testedWindows, ...windows])
    this.isPromoted = false
  }

  seeded(): void {
    this.#beginTest()
    this.isSeeded = true
    this.isSeedUndone = false
    this.announced = this.production.rows.size
    this.test = {
      ...this.production,
      rows: new Map([...this.production.rows].map(([id, row]) => [id, {...row, by: SEEDED}])),
    }
  }

  /** Their log is gone, and with it all that is known of them. */
  forgetTests(): void {
    this.testTables += 1
    const rows = [...this.test.rows].map(([id, row]) => [id, {...row, by: BY_HAND}] as const)
    this.test = {rows: new Map(rows), covered: []}
    this.hasTested = false
    this.isSeeded = false
    this.isSeedUndone = false
    this.isPromoted = false
    this.testedWindows = []
    this.announced = 0
  }

  drop(): void {
    this.forgetTests()
    this.test = NOTHING
  }

  loseTestRows(): void {
    this.test = {...this.test, rows: new Map()}
  }

  wrote(written: Omit<Written, 'before'>, after: Table): void {
    this.written.push({...written, before: this.production})
    this.production = after
    if (written.testTables !== undefined) this.isPromoted = true
  }

  /** Other runs than promotions of these test runs wrote to production since the first of them. */
  get wasWritten(): boolean {
    return this.written.slice(this.#writtenBefore).some(({testTables}) => testTables !== this.testTables)
  }

  undo(index: number, rows: Rows): void {
    const undone = this.written.slice(index)
    const [first] = undone
    if (first === undefined) return
    if (this.isSeeded && index < this.#writtenBefore) this.isSeedUndone = true
    if (undone.some(({testTables}) => testTables === this.testTables))
      this.isPromoted = this.written.slice(0, index).some(({testTables}) => testTables === this.testTables)
    this.production = {rows, covered: first.before.covered}
    this.written.splice(index)
    this.#writtenBefore = Math.min(this.#writtenBefore, index)
  }

  /** Production's log is gone: what is stored stays, and nobody knows how it came there. */
  forgetProduction(): void {
    const rows = [...this.production.rows].map(([id, row]) => [id, {...row, by: BY_HAND}] as const)
    this.production = {rows: new Map(rows), covered: []}
    this.written = []
    this.#writtenBefore = 0
    this.isTampered = true
    this.isPromoted = false
  }

  loseProduction(): void {
    this.forgetProduction()
    this.production = NOTHING
  }
}

/** A commit leaves a row that was read later than its run's clock can be wrong by. */
const isNewer = (row: Row, now: number): boolean => row.lastSeen > now + CLOCK_TOLERANCE

export const isSame = (one: Content | undefined, other: Content): boolean =>
  one !== undefined && one.at === other.at && one.n === other.n

/** What a run makes of a table. */
export function changeByReading(table: Table, {by, now, windows, records}: Reading): Change {
  const rows = new Map(table.rows)
  const former = new Map<string, Row>()
  let inserted = 0
  for (const [id, content] of records) {
    const row = rows.get(id)
    if (row === undefined) {
      inserted += 1
      rows.set(id, {...content, firstSeen: now, lastSeen: now, by})
    } else if (!isNewer(row, now)) {
      if (!isSame(row, content)) former.set(id, row)
      // A run whose clock was set back does not say so in rows that it finds unchanged.
      else if (row.lastSeen > now) continue
      const {seenByHand: _, ...ours} = row
      rows.set(id, {...ours, ...content, lastSeen: now})
    }
  }
  return {rows, covered: mergeWindows([...table.covered, ...windows]), former, inserted}
}

/** What a promotion makes of production; rows with another value there stay where it skips them. */
function changeByPromotion(account: ModelOfAccount, by: string, skips: boolean): Change {
  const {production, test, testedWindows} = account
  const rows = new Map(production.rows)
  const former = new Map<string, Row>()
  let inserted = 0
  for (const [id, tested] of test.rows) {
    const row = rows.get(id)
    if (row === undefined) {
      inserted += 1
      rows.set(id, {...tested, by: tested.by === BY_HAND ? BY_HAND : by})
    } else if (!isSame(row, tested) && !skips && row.lastSeen < tested.lastSeen) {
      former.set(id, row)
      rows.set(id, {...tested, firstSeen: row.firstSeen, by: row.by})
    }
  }
  return {rows, covered: mergeWindows([...production.covered, ...testedWindows]), former, inserted}
}

/** The ids of rows that have another value in production. */
const conflictsOf = ({production, test}: ModelOfAccount): readonly string[] =>
  [...test.rows].flatMap(([id, tested]) => {
    const row = production.rows.get(id)
    return row === undefined || isSame(row, tested) ? [] : [id]
  })

export interface Promoting {
  readonly by: string
  readonly skips: boolean
  /** The table of the test rows is gone, and its log is not. */
  readonly lacksRows: boolean
}

/** What a promotion may make of production; nothing: it must be refused. */
export function promotionOf(
  account: ModelOfAccount,
  {by, skips, lacksRows}: Promoting,
): {readonly done: readonly (Change & {readonly by: string})[]; readonly refusable?: boolean} {
  const {production, test, testedWindows, announced, isSeeded, isSeedUndone, isSkewed} = account
  const conflicts = conflictsOf(account)
  const isNewerThere = (id: string): boolean =>
    (production.rows.get(id)?.lastSeen ?? NaN) >= (test.rows.get(id)?.lastSeen ?? NaN)
  const isWritten = account.wasWritten || (isSeeded && conflicts.some(isNewerThere))
  const isMissing = [...test.rows].some(([id, {by: of}]) => of !== 'test' && !production.rows.has(id))
  const isNothing = testedWindows.length === 0 || account.isPromoted
  if (isNothing || lacksRows || isSeedUndone || test.rows.size !== announced) return {done: []}
  if (isSeeded && isMissing) return {done: []}
  const changeOf = (skipped: boolean) => ({...changeByPromotion(account, by, skipped), by})
  // A clock that was wrong may make production look written to, and never make it look untouched.
  if (isWritten) return {done: skips || conflicts.length === 0 ? [changeOf(true)] : []}
  if (!isSkewed) return {done: [changeOf(false)]}
  return {
    done: skips ? [changeOf(false), changeOf(true)] : [changeOf(false)],
    refusable: !skips && conflicts.length > 0,
  }
}

/** What an undo makes of production's rows; `undefined`: they, or what they were, do not agree with the log. */
export function rowsAfterUndo({production}: ModelOfAccount, undone: readonly Written[]): Rows | undefined {
  const theirs = [...production.rows].filter(([, row]) => undone.some(({by}) => by === row.by))
  const inserted = undone.reduce((sum, one) => sum + one.inserted, 0)
  const isLost = undone.some(({isFormerLost, former}) => isFormerLost === true && former.size > 0)
  if (theirs.length !== inserted || isLost) return undefined
  const rows = new Map(production.rows)
  for (const [id] of theirs) rows.delete(id)
  for (const {former} of undone.toReversed()) {
    for (const [id, before] of former) {
      if (theirs.some(([inTheirs]) => inTheirs === id)) continue
      const row = rows.get(id)
      if (row === undefined || production.rows.get(id)?.seenByHand === true) return undefined
      rows.set(id, {...before, firstSeen: row.firstSeen, by: row.by})
    }
  }
  return rows
}

/** Gives rows that are there, each as it is in one of several models; `undefined`: one is as in none of them. */
export function rowsAsIn(
  models: readonly Rows[],
  found: readonly (Content & {readonly id: string; readonly lastSeen: number})[],
): Rows | undefined {
  const rows = new Map<string, Row>()
  for (const {id, lastSeen, ...content} of found) {
    const all = models.flatMap((model) => model.get(id) ?? [])
    const row = all.find((one) => isSame(one, content))
    const seen = all.find((one) => one.lastSeen === lastSeen)
    if (row === undefined || seen === undefined) return undefined
    const {seenByHand: _, ...ours} = row
    rows.set(id, {...ours, lastSeen, ...(seen.seenByHand === true && {seenByHand: true})})
  }
  const isKept = (id: string): boolean => models.every((model) => model.has(id))
  return models.flatMap((model) => [...model.keys()]).some((id) => isKept(id) && !rows.has(id)) ? undefined : rows
}
