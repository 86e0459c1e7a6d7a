import {messageWithCauses, outcomeOf} from '../../../src/base/errors.ts'
import type {Page} from '../../../src/source.ts'
import {query} from '../database.ts'
import {databaseIn, scriptedRun} from '../scripted-run.ts'
import {scriptedSource} from '../scripted-source.ts'
import {assert} from './oracle.ts'
import {Random} from '../random.ts'

/** Runs whose sources wait before each page until they are woken, so that a seed alone decides who goes on when. */
class Interleaving {
  readonly #folder: string
  readonly #random: Random
  readonly #waiting: (() => void)[] = []
  readonly #running = new Set<Promise<void>>()
  /** What became of each run that has ended; `undefined`: it ended well. */
  readonly errors: unknown[] = []
  #changed = Promise.withResolvers<void>()

  constructor(folder: string, random: Random) {
    this.#folder = folder
    this.#random = random
  }

  start(stream: string, runId: string, startedAt: number): void {
    // Mostly one commit, sometimes two.
    const earliest = this.#random.chance(0.25) ? '2023-12-31' : '2024-01-01'
    const records = Array.from({length: 4}, (_, index) => ({id: `r${index}`, run: runId, at: index}))
    const pause = async (): Promise<void> => {
      const woken = Promise.withResolvers<void>()
      this.#waiting.push(woken.resolve)
      this.#changed.resolve()
      await woken.promise
    }
    const source = scriptedSource(() => [], {
      defaults: {slice: '1d', earliest},
      async *extract(): AsyncGenerator<Page> {
        await pause()
        yield {records: records.slice(0, 2)}
        await pause()
        yield {records}
      },
    })
    const running = scriptedRun({
      source,
      folder: this.#folder,
      account: stream,
      runId,
      now: startedAt,
      request: {full: true},
      commitAfter: {records: 1, milliseconds: 1e9},
    }).then(
      ({error}) => this.errors.push(error),
      (error: unknown) => this.errors.push(error),
    )
    const ended: Promise<void> = running.then(() => {
      this.#running.delete(ended)
      this.#changed.resolve()
    })
    this.#running.add(ended)
  }

  /** Until the run that goes on has reached its next page or its end. */
  async untilStill(): Promise<void> {
    while (this.#waiting.length < this.#running.size) {
      await this.#changed.promise
      this.#changed = Promise.withResolvers<void>()
    }
  }

  /** Lets one of the runs go on; false: all have ended. */
  async goOn(): Promise<boolean> {
    await this.untilStill()
    if (this.#waiting.length === 0) return false
    const [wake] = this.#waiting.splice(this.#random.integer(0, this.#waiting.length - 1), 1)
    wake?.()
    await this.untilStill()
    return true
  }
}

export interface Interleavings {
  readonly folder: string
  readonly seed: number
  readonly rounds: number
}

/**
 * Each round starts three runs of two streams and lets them take turns at random. Throws where a key has two rows, a
 * payload is not that of the run which saw it last, or a run fails for another reason than that its stream is taken.
 */
export async function interleaveRuns({
  folder,
  seed,
  rounds,
}: Interleavings): Promise<{refused: number; stored: number}> {
  const random = new Random(seed)
  const now = Date.UTC(2024, 0, 1)
  let [refused, stored] = [0, 0]
  for (let round = 0; round < rounds; round += 1) {
    const interleaving = new Interleaving(folder, random)
    for (let number = 0; number < 3; number += 1) {
      interleaving.start(random.pick(['north', 'south']), `run-${round}-${number}`, now + (round + 1) * 1000 + number)
      await interleaving.untilStill()
      for (let steps = random.integer(0, 4); steps > 0; steps -= 1) await interleaving.goOn()
    }
    while (await interleaving.goOn());
    for (const error of interleaving.errors) {
      if (error === undefined) stored += 1
      else refused += 1
      const namesTheFirst = new RegExp(`^run run-${round}-\\d is reading the same stream`)
      const message = messageWithCauses(error)
      assert(
        error === undefined || (outcomeOf(error) === 'busy' && namesTheFirst.test(message)),
        `round ${round}: ${message}`,
      )
    }
    await assertNewestOfEachKey(folder, round)
  }
  return {refused, stored}
}

async function assertNewestOfEachKey(folder: string, round: number): Promise<void> {
  const wrong = await query(
    databaseIn(folder),
    `SELECT idem_key, 'two rows' AS problem FROM raw_objects GROUP BY idem_key HAVING count(*) > 1
     UNION ALL
     SELECT raw_objects.idem_key, 'the payload of another run than the last'
     FROM raw_objects JOIN event_log ON correlation_id = (raw_objects.payload->>'run')
     WHERE event_type = 'job.started' AND created_at <> last_seen`,
  )
  assert(wrong.length === 0, `round ${round}: ${JSON.stringify(wrong)}`)
}
