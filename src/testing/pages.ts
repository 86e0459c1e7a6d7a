import {setImmediate as turn} from 'node:timers/promises'
import {setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'

import type {Page} from '../source.ts'
import type {ConformanceSetup} from './setup.ts'
import {readWhole} from './reading.ts'
import {LARGE, withTrial} from './trial.ts'

const LARGEST_PAGE_BYTES = 16_000_000
const MB = 1_000_000
/** Bytes that the client, the compiler and the test itself may take meanwhile. */
const NOISE = 4 * MB
const MEASUREMENTS = 8

/** Memory is flat where what is held does not grow with what was read. */
export async function checkPagesAndMemory(setup: ConformanceSetup): Promise<void> {
  const volume = setup.large ?? LARGE
  await withTrial(setup, volume, async (trial) => {
    // Twice: what the test service and the compiler keep once they have worked is none of the source's.
    let largestPage = 0
    await readWhole(trial, {
      forgetRecords: true,
      onPage(page) {
        largestPage = Math.max(largestPage, sizeOf(page))
        assertBounded(page)
      },
    })
    const held = memoryMeter()
    const before = await held()
    let [bytes, unmeasured, most] = [0, 0, 0]
    await readWhole(trial, {
      forgetRecords: true,
      onPage(page) {
        unmeasured += sizeOf(page)
      },
      async afterPage() {
        if (bytes > 0 && unmeasured < (volume.records * volume.size) / MEASUREMENTS) return
        bytes += unmeasured
        unmeasured = 0
        most = Math.max(most, (await held()) - before)
      },
    })
    bytes += unmeasured
    const allowed = Math.max(bytes / 4, 2 * largestPage) + NOISE
    if (most > allowed) {
      throw new Error(
        `it held up to ${megabytes(most)} while it read ${megabytes(bytes)}: it must let go of a page when it yields the next, and must not read ahead without bound`,
      )
    }
    if (bytes < LARGEST_PAGE_BYTES || allowed > bytes * 0.95) {
      throw new Error(
        `it yielded ${megabytes(bytes)} in pages of up to ${megabytes(largestPage)}, which is too little to tell; the test service was asked for ${volume.records} records of ${volume.size} bytes. Give the suite another volume, \`large\`, or smaller pages`,
      )
    }
  })
}

function assertBounded(page: Page): void {
  const size = sizeOf(page)
  if (size <= LARGEST_PAGE_BYTES || page.records.length === 1) return
  throw new Error(
    `it yielded a page of ${page.records.length} records and ${megabytes(size)}; a page holds at most 10,000 records and 16 MB`,
  )
}

const sizeOf = ({records}: Page): number =>
  records.reduce((sum, record) => sum + Buffer.byteLength(JSON.stringify(record)), 0)

function memoryMeter(): () => Promise<number> {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  return async () => {
    // What was let go of in this turn may be held until its end; memory outside of the heap is freed a round later.
    for (let round = 0; round < 2; round += 1) {
      await turn()
      collectGarbage()
    }
    const {heapUsed, external} = process.memoryUsage()
    return heapUsed + external
  }
}

const megabytes = (bytes: number): string => `${(bytes / MB).toFixed(1)} MB`
