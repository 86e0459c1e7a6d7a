import {setTimeout as wait} from 'node:timers/promises'

import {streamGroups} from '../run/stream-groups.ts'
import type {Page, SourceContext} from '../source.ts'
import type {ConformanceSetup} from './setup.ts'
import type {Fault} from './fault-proxy.ts'
import {contextFor, readWhole, SOURCE_SYSTEM} from './reading.ts'
import {SMALL, withTrial, type Trial} from './trial.ts'

const TURNS = 20
const TURN = 50

export const checkAbort = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    await checkBetweenPages(trial)
    if (trial.proxy === undefined) return
    trial.proxy.faultBy(() => undefined)
    await readWhole(trial)
    const requests = trial.proxy.requests.length
    for (const index of new Set([0, Math.floor(requests / 2), requests - 1])) {
      await checkDuring(trial, index, 'hang', 'while a request had no answer yet')
    }
    const later = {status: 503, headers: {'retry-after': '60'}}
    await checkDuring(trial, Math.floor(requests / 2), later, 'while it had to wait before it asks again')
  })

async function checkBetweenPages(trial: Trial): Promise<void> {
  const {extractions, abort} = begin(trial)
  const [pages] = extractions
  await pages?.next()
  abort()
  await assertEnds(Promise.resolve(pages?.return?.()), 'while the host had its page')
}

async function checkDuring(trial: Trial, index: number, fault: Fault, when: string): Promise<void> {
  const {extractions, abort} = begin(trial)
  const reached = new Promise<void>((resolve) => {
    trial.proxy?.faultBy((request) => {
      if (request.index !== index) return undefined
      // Once the answer is on its way.
      setTimeout(resolve, 20)
      return fault
    })
  })
  const all = (async (): Promise<'ended'> => {
    for (const pages of extractions) while ((await pages.next()).done !== true);
    return 'ended'
  })()
  // Its end is looked at below.
  all.catch(() => undefined)
  // Requests that are sent at the same time may be some fewer the next time: a token is asked for once or twice.
  if ((await Promise.race([reached, all])) === 'ended' && index > 0) return
  abort()
  await assertEnds(all, when)
}

function begin(trial: Trial): {extractions: readonly AsyncIterator<Page>[]; abort: () => void} {
  const controller = new AbortController()
  const {source} = trial.setup
  const contextOf = (streams: SourceContext<unknown>['streams']) => contextFor(trial, streams, controller.signal)
  return {
    extractions: streamGroups(source.streams(trial.options), SOURCE_SYSTEM).map(({streams}) =>
      source.extract(contextOf(streams))[Symbol.asyncIterator](),
    ),
    abort: () => controller.abort(new Error('aborted by the conformance suite')),
  }
}

/** Wants an end within a second, with an error or without. */
async function assertEnds(work: Promise<unknown>, when: string): Promise<void> {
  const settled = work.then(
    () => true,
    () => true,
  )
  // Where the machine is busy a timer fires late, and so does what it waits for: each short wait gives that its turn.
  for (let turn = 0; turn < TURNS; turn += 1) if (await Promise.race([settled, wait(TURN, false)])) return
  throw new Error(`aborted ${when}, it went on for more than a second; every wait must end with context.signal`)
}
