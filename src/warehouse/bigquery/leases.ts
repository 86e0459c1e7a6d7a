import * as z from 'zod'

import {busy} from '../../base/errors.ts'
import type {Claim} from '../../model/claim.ts'
import type {Event} from '../../model/events.ts'
import {isAlive, ownProcess, processIdentity} from '../../base/process-identity.ts'
import {DEAD_AFTER, HEARTBEAT} from '../../base/sign-of-life.ts'
import {begunAnew, endedWithoutAWord, streamHeld, streamLost} from '../held-streams.ts'
import type {Connection} from './connection.ts'
import {isDuplicate, isNotFound} from './service-error.ts'
import {literal} from './sql.ts'
import type {Queries} from './query.ts'
import {sideBySide} from './side-by-side.ts'
import {deleteTable, findTable, setExpiry} from './table-metadata.ts'

/** A lease ends so long after the last sign of life, whoever drops it or not. */
const LIFETIME_DAYS = 14
const LIFETIME = LIFETIME_DAYS * 24 * 60 * 60 * 1000

export interface Condition {
  readonly sql: string
  /** The error says this where the condition does not hold. */
  readonly reason: string
}

const leaseShape = z.looseObject({expirationTime: z.string().optional()})
const holderShape = z.object({process: processIdentity, startedAt: z.string(), claim: z.string().optional()})

export interface Holder {
  readonly runId: string
  /** It holds `process`, `startedAt` and `claim` as JSON. */
  readonly about: string
}

export const thisProcess = async (runId: string, claim: Claim | undefined): Promise<Holder> => ({
  runId,
  about: JSON.stringify({process: await ownProcess(), startedAt: new Date().toISOString(), claim}),
})

/**
 * A lease is a table of one row that nobody else can create. It says who holds the stream; every commit touches that
 * row in its own transaction, so a commit and a taking-over of the stream exclude each other. It expires by itself.
 * Answers with the events that tell of the runs that were found dead.
 */
export async function takeLeases(
  connection: Connection,
  queries: Queries,
  leases: readonly string[],
  holder: Holder,
): Promise<readonly Event[]> {
  const taken: string[] = []
  const dead = new Map<string, Event>()
  const take = async (lease: string): Promise<void> => {
    const previous = await takeLease(connection, queries, lease, holder)
    taken.push(lease)
    if (previous !== undefined) dead.set(previous.correlation_id, previous)
  }
  // Of two runs that begin at once with the same streams one gets the first of them, and so all.
  const sorted = leases.toSorted()
  try {
    for (const some of [sorted.slice(0, 1), sorted.slice(1)]) await sideBySide(queries, some, take)
    return [...dead.values()]
  } catch (error) {
    await dropLeases(connection, queries, taken, holder.runId)
    throw error
  }
}

async function takeLease(
  connection: Connection,
  queries: Queries,
  lease: string,
  holder: Holder,
): Promise<Event | undefined> {
  const table = connection.tableName(lease)
  for (let attempt = 1; ; attempt += 1) {
    try {
      await queries.run(`${lease}-${holder.runId}-${attempt}`, {
        sql: createLease(table, holder, connection.kmsKey),
        what: 'taking the stream',
      })
      return undefined
    } catch (error) {
      if (!isDuplicate(error)) throw error
    }
    const found = await holderIn(queries, table)
    // It was given back in the meantime.
    if (found === undefined && attempt < 3) continue
    if (found === undefined)
      throw busy('another run is taking the same stream', {code: 'E_STREAM_BUSY', next: 'Run the same command again.'})
    if (found.runId === holder.runId) return undefined
    const isOwn = isSameTask(found, holder)
    if (!isOwn) await assertDead(found, await silenceOf(connection, lease, found))
    await queries.run(`${lease}-${holder.runId}-over`, {
      sql: `UPDATE ${table} SET run_id = ${literal(holder.runId)}, about = ${literal(holder.about)}, heard = CURRENT_TIMESTAMP()
 WHERE run_id = ${literal(found.runId)}${isOwn ? '' : ` AND TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), heard, MILLISECOND) >= ${found.silentFor}`}`,
      what: isOwn ? 'taking over the stream of an earlier attempt' : "taking over a dead run's stream",
    })
    const now = await holderIn(queries, table)
    if (now?.runId !== holder.runId) throw heldBy(now ?? found, true)
    const {process} = holderShape.parse(JSON.parse(found.about))
    return (isOwn ? begunAnew : endedWithoutAWord)({runId: found.runId, process}, holder.runId)
  }
}

const createLease = (table: string, {runId, about}: Holder, kmsKey: string | undefined): string =>
  `CREATE TABLE ${table} OPTIONS(expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL ${LIFETIME_DAYS} DAY), labels = [('tool', 'lorchestra')]${kmsKey === undefined ? '' : `, kms_key_name = ${literal(kmsKey)}`}) AS
 SELECT ${literal(runId)} AS run_id, ${literal(about)} AS about, CURRENT_TIMESTAMP() AS heard`

interface FoundHolder extends Holder {
  /** The time of the service; milliseconds since 1970. */
  readonly now: number
  /** Milliseconds since its last commit, or since it took the stream. */
  readonly silentFor: number
}

async function holderIn(queries: Queries, table: string): Promise<FoundHolder | undefined> {
  try {
    const [row] = await queries.rows({
      sql: `SELECT run_id, about, CAST(TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), heard, MILLISECOND) AS STRING) AS silent_for,
   CAST(UNIX_MILLIS(CURRENT_TIMESTAMP()) AS STRING) AS now_ms FROM ${table}`,
      what: 'looking who reads the stream',
      ending: true,
    })
    if (row === undefined) return undefined
    return {
      runId: row['run_id'] ?? '',
      about: row['about'] ?? '',
      now: Number(row['now_ms']),
      silentFor: Number(row['silent_for']),
    }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

export async function holdsLeases(
  connection: Connection,
  queries: Queries,
  leases: readonly string[],
  runId: string,
): Promise<boolean> {
  for (const lease of leases) {
    const found = await holderIn(queries, connection.tableName(lease))
    if (found?.runId !== runId) return false
  }
  return true
}

/** Milliseconds since the last sign of life, be it a commit or a later end of the lease. */
async function silenceOf(connection: Connection, lease: string, {now, silentFor}: FoundHolder): Promise<number> {
  const {expirationTime} = leaseShape.parse((await findTable(connection, lease)) ?? {})
  return expirationTime === undefined ? silentFor : Math.min(silentFor, now + LIFETIME - Number(expirationTime))
}

async function assertDead(found: FoundHolder, silence: number): Promise<void> {
  const other = holderShape.safeParse(JSON.parse(found.about))
  const alive = other.success ? await isAlive(other.data.process) : undefined
  if (alive ?? silence < DEAD_AFTER) throw heldBy(found, alive === undefined)
}

function heldBy({runId, about}: Holder, elsewhere: boolean): Error {
  const {process, startedAt} = holderShape.parse(JSON.parse(about))
  return streamHeld({runId, process, startedAt}, elsewhere)
}

/** Only who has a claim can have another's. */
function isSameTask(one: Holder, other: Holder): boolean {
  const [found, own] = [one, other].map(({about}) => holderShape.safeParse(JSON.parse(about)).data?.claim)
  return own !== undefined && own === found
}

/**
 * Makes a statement for a transaction: it fails where the lease is another run's or `condition` is not met, and collides
 * with one that takes the lease over. It stands first, so that even where nothing is rolled back nothing was written.
 */
export const fence = (lease: string, runId: string, condition?: Condition): string =>
  `UPDATE ${lease} SET heard = IF(run_id = ${literal(runId)}, ${
    condition === undefined
      ? 'CURRENT_TIMESTAMP()'
      : `IF(${condition.sql}, CURRENT_TIMESTAMP(), ERROR('lorchestra: ${condition.reason}'))`
  }, ERROR('lorchestra: leaseLost')) WHERE TRUE`

/**
 * Says now and then that the run lives, for runs on other machines, by a later end of its leases: a statement would cancel the
 * commit that is under way. `now` is the time of the service. Whether it lived is the fence's to judge.
 */
export function keepLeases(connection: Connection, leases: readonly string[], now: () => Date): () => Promise<void> {
  let beating = Promise.resolve()
  const beat = async (): Promise<void> => {
    for (const lease of leases) {
      // One that fails is a sign of life that is missing; after five of them others may judge.
      await setExpiry(connection, lease, new Date(now().getTime() + LIFETIME)).catch(() => undefined)
    }
  }
  const timer = setInterval(() => {
    beating = beating.then(beat)
  }, HEARTBEAT).unref()
  return async () => {
    clearInterval(timer)
    await beating
  }
}

export const leaseLost = (cause: unknown): Error => streamLost('another run took it for dead and took it over', cause)

export async function dropLeases(
  connection: Connection,
  queries: Queries,
  leases: readonly string[],
  runId: string,
): Promise<void> {
  const drop = async (lease: string): Promise<void> => {
    const found = await holderIn(queries, connection.tableName(lease))
    if (found?.runId === runId) await deleteTable(connection, lease)
  }
  await sideBySide(queries, leases, drop)
}
