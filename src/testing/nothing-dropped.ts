import type {ConformanceSetup} from './setup.ts'
import type {Fault} from './fault-proxy.ts'
import {read, readWhole, type Reading} from './reading.ts'
import {SMALL, withTrial, type Trial} from './trial.ts'

/** These do not answer what was asked, and must not be taken for an empty answer. */
export const NO_ANSWERS: Readonly<Record<string, Fault>> = {
  '500 for good': {status: 500},
  'a page of HTML with status 200': {
    status: 200,
    body: '<html>sign in</html>',
    headers: {'content-type': 'text/html'},
  },
  'an empty object with status 200': {status: 200, body: '{}'},
}

export const checkNothingDropped = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const whole = await readWhole(trial)
    const requests = trial.proxy?.requests.length ?? 0
    if (new Set(whole.keys).size !== trial.volume.records) {
      throw new Error(
        `the test service holds ${trial.volume.records} records, but it yielded ${new Set(whole.keys).size} different ones and rejected ${whole.counts.rejected}`,
      )
    }
    await checkKnown(trial, whole)
    if (trial.proxy === undefined) return
    for (const index of new Set([0, Math.floor(requests / 2), requests - 1])) {
      for (const [name, fault] of Object.entries(NO_ANSWERS)) await checkNoAnswer(trial, index, name, fault)
    }
  })

/** What is stored already is neither yielded nor a reason to leave out anything else. */
async function checkKnown(trial: Trial, {keys}: Reading): Promise<void> {
  trial.proxy?.faultBy(() => undefined)
  const stored = new Set(keys.filter((_key, index) => index % 2 === 0))
  const said = new Set<string>()
  const again = await readWhole(trial, {
    known(asked) {
      const known = asked.filter((key) => stored.has(key))
      for (const key of known) said.add(key)
      return new Set(known)
    },
  })
  const yielded = new Set(again.keys)
  const twice = [...said].filter((key) => yielded.has(key))
  if (twice.length > 0) throw new Error(`told that ${twice[0]} is known, it yielded it, so that it counts twice`)
  const lost = keys.filter((key) => !said.has(key) && !yielded.has(key))
  if (lost.length > 0) throw new Error(`where other records are known, it leaves out ${lost[0]}`)
}

/** Answers the request of this number so, and all that ask the same. */
export function faultAt({proxy}: Trial, index: number, fault: Fault): void {
  let victim: string | undefined
  proxy?.faultBy(({index: own, method, path, body}) => {
    const identity = JSON.stringify([method, path, body])
    if (own === index) victim = identity
    return identity === victim ? fault : undefined
  })
}

async function checkNoAnswer(trial: Trial, index: number, name: string, fault: Fault): Promise<void> {
  faultAt(trial, index, fault)
  const {counts, error} = await read(trial)
  const accounted = counts.extracted + counts.known + counts.gone + counts.rejected
  if (error !== undefined || accounted >= trial.volume.records) return
  throw new Error(
    `answered ${name}, it ended as if all were well, with ${accounted} of ${trial.volume.records} records; what cannot be read must be an error`,
  )
}
