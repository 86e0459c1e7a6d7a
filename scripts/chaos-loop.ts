import {randomInt} from 'node:crypto'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {startEmulator} from '../test/support/bigquery/emulator.ts'
import {LoopCampaign, type LoopCounts} from '../test/support/chaos/loop-campaign.ts'
import {bigQueryInLoop, duckDBInLoop, type LoopWarehouse} from '../test/support/chaos/loop-warehouse.ts'
import {PromotionCampaign, type PromotionCounts} from '../test/support/chaos/promotion-campaign.ts'
import {Random} from '../test/support/random.ts'

/**
 * Random sequences of runs, test runs, seeds, promotions, plans and undos, with kills, clocks that are wrong, and rows and tables that
 * somebody changes by hand; each on a DuckDB file of its own, or a dataset of its own
 * in an emulator. With `--promotions` promotions alone on DuckDB, until so many were killed.
 */
const {values} = parseArgs({
  options: {
    sequences: {type: 'string', default: '50'},
    steps: {type: 'string', default: '10'},
    /** At random, unless given to repeat a campaign. */
    seed: {type: 'string', default: String(randomInt(1e6))},
    /** The sequence to begin with. */
    first: {type: 'string', default: '1'},
    warehouse: {type: 'string', default: 'duckdb'},
    promotions: {type: 'string'},
  },
})
const SEEDS_APART = 100_003
const [seed, sequences, steps, first] = [values.seed, values.sequences, values.steps, values.first].map(Number) as [
  number,
  number,
  number,
  number,
]
const startedAt = performance.now()
const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(0)
if (!['duckdb', 'bigquery'].includes(values.warehouse)) throw new Error(`there is no warehouse ${values.warehouse}`)
console.log(`seed ${seed}`)
if (values.promotions === undefined) await runSequences()
else await killPromotions(Number(values.promotions))

async function runSequences(): Promise<void> {
  const counts: LoopCounts = {commands: {}, kills: 0, refused: 0, wrong: 0}
  const emulator = values.warehouse === 'duckdb' ? undefined : await startEmulator()
  const warehouseIn = async (folder: string): Promise<LoopWarehouse> =>
    emulator === undefined ? duckDBInLoop(folder) : bigQueryInLoop(emulator, folder)
  try {
    for (let sequence = first; sequence < first + sequences; sequence += 1) {
      const run = async (folder: string): Promise<void> => {
        const random = new Random(seed * SEEDS_APART + sequence)
        const campaign = {random, folder, warehouse: await warehouseIn(folder), counts}
        await (await LoopCampaign.create(campaign)).run(steps)
      }
      const again = `--warehouse ${values.warehouse} --steps ${steps} --first ${sequence} --sequences 1`
      await inFolder(run, {what: `sequence ${sequence}`, again})
    }
  } finally {
    await emulator?.stop()
  }
  const commands = Object.entries(counts.commands).map(([name, number]) => `${number} ${name}`)
  console.log(
    `${sequences} sequences on ${values.warehouse}: ${commands.join(', ')}; ${counts.kills} kills, ${counts.refused} refused, ${counts.wrong} by a clock that was wrong; ${seconds()} s`,
  )
}

async function killPromotions(kills: number): Promise<void> {
  const counts: PromotionCounts = {promotions: 0, kills: 0, promoted: 0, torn: 0}
  await inFolder(async (folder) => new PromotionCampaign(new Random(seed), folder, counts).run(kills), {
    what: 'promotions',
    again: `--promotions ${kills}`,
  })
  console.log(
    `${counts.promotions} promotions, killed ${counts.kills} times, ${counts.promoted} of these after their commit, ${counts.torn} within a checkpoint; ${seconds()} s`,
  )
}

/** Removes the folder unless the work fails. */
async function inFolder(
  work: (folder: string) => Promise<void>,
  {what, again}: {readonly what: string; readonly again: string},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-loop-'))
  try {
    await work(folder)
  } catch (error) {
    throw new Error(
      `${what}: ${error instanceof Error ? error.message : 'unknown'}\n  npm run chaos:loop -- --seed ${seed} ${again}\n  its files: ${folder}`,
      {cause: error},
    )
  }
  await rm(folder, {recursive: true, force: true})
}
