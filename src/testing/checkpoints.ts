import type {ConformanceSetup} from './setup.ts'
import {asStored} from './bookmark.ts'
import {contextFor, readWhole, streamsOf, type Checkpoint, type Reading} from './reading.ts'
import {SMALL, withTrial, type Trial} from './trial.ts'

/** What was yielded before a checkpoint, and what is read from there on, must be all that there is. */
export const checkCheckpoints = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const whole = await readWhole(trial)
    const {checkpoints} = whole
    for (const index of new Set([0, Math.floor(checkpoints.length / 2), checkpoints.length - 1])) {
      const checkpoint = checkpoints[index]
      if (checkpoint !== undefined) await checkCheckpoint(trial, whole, checkpoint)
    }
  })

async function checkCheckpoint(trial: Trial, whole: Reading, checkpoint: Checkpoint): Promise<void> {
  const bookmark = asStored(checkpoint.bookmark)
  const context = {...contextFor(trial, streamsOf(trial)), bookmark}
  if ((await trial.setup.source.canResume?.(context)) === false)
    throw new Error('it says that it cannot read on from the checkpoint that it has just given')
  const {keys} = await readWhole(trial, {bookmark})
  const found = new Set([...whole.keys.slice(0, checkpoint.keys), ...keys])
  const lost = whole.keys.find((key) => !found.has(key))
  if (lost === undefined) return
  throw new Error(
    `read on from its checkpoint after ${checkpoint.keys} records, it leaves out ${lost}; a checkpoint says that all before its bookmark was yielded`,
  )
}
