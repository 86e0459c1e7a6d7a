import {randomInt} from 'node:crypto'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {LoopCampaign, type LoopCounts} from '../test/support/chaos/loop-campaign.ts'
import {Random} from '../test/support/chaos/random.ts'

/** Random sequences of runs, test runs, promotions, plans and undos, with kills; each on a DuckDB file of its own. */
const {values} = parseArgs({
  options: {
    sequences: {type: 'string', default: '50'},
    steps: {type: 'string', default: '10'},
    /** At random, unless given to repeat a campaign. */
    seed: {type: 'string', default: String(randomInt(1e6))},
    /** The sequence to begin with. */
    first: {type: 'string', default: '1'},
  },
})
const SEEDS_APART = 100_003
const [seed, sequences, steps, first] = [values.seed, values.sequences, values.steps, values.first].map(Number) as [
  number,
  number,
  number,
  number,
]
const counts: LoopCounts = {commands: {}, kills: 0, refused: 0}
const startedAt = performance.now()
console.log(`seed ${seed}`)
for (let sequence = first; sequence < first + sequences; sequence += 1) {
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-loop-'))
  try {
    await (await LoopCampaign.create(new Random(seed * SEEDS_APART + sequence), folder, counts)).run(steps)
  } catch (error) {
    throw new Error(
      `sequence ${sequence}: ${error instanceof Error ? error.message : 'unknown'}\n  npm run chaos:loop -- --seed ${seed} --steps ${steps} --first ${sequence} --sequences 1\n  its files: ${folder}`,
      {cause: error},
    )
  }
  await rm(folder, {recursive: true, force: true})
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
const commands = Object.entries(counts.commands).map(([name, number]) => `${number} ${name}`)
console.log(
  `${sequences} sequences: ${commands.join(', ')}; ${counts.kills} kills, ${counts.refused} refused; ${seconds} s`,
)
