import {randomInt} from 'node:crypto'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {runCampaign, type Kill} from '../test/support/chaos/campaign.ts'
import {runCommandCampaign} from '../test/support/chaos/command-campaign.ts'
import {interleaveRuns} from '../test/support/chaos/interleaving.ts'
import {runAtTheSameTime} from '../test/support/chaos/neighbours.ts'

const WORKERS = 2
const SEEDS_APART = 100_003
/** Every nth database is written by the command itself, which is slower to start. */
const COMMANDS = 6

const {values} = parseArgs({
  options: {
    kills: {type: 'string', default: '200'},
    /** At random, unless given to repeat a campaign. */
    seed: {type: 'string', default: String(randomInt(1e6))},
    /** Of three runs that nobody kills, but that meet each other. */
    rounds: {type: 'string', default: '0'},
    campaign: {type: 'string'},
  },
})
const wanted = Number(values.kills)
const seed = Number(values.seed)
const startedAt = performance.now()
console.log(`seed ${seed}`)
const phases = new Map<string, number>()
const failures: string[] = []
const tally = {kills: 0, campaigns: 0, begun: 0, torn: 0}

async function work(): Promise<void> {
  while (tally.kills < wanted && failures.length === 0) {
    tally.begun += 1
    await oneCampaign(tally.begun)
  }
}

async function oneCampaign(number: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-chaos-'))
  try {
    const run = number % COMMANDS === 0 ? runCommandCampaign : runCampaign
    await run({seed: seed * SEEDS_APART + number, folder, onKill: count})
    tally.campaigns += 1
    await rm(folder, {recursive: true, force: true})
  } catch (error) {
    failures.push(
      `campaign ${number}: ${error instanceof Error ? error.message : 'unknown'}\n  npm run chaos -- --seed ${seed} --campaign ${number}\n  its files: ${folder}`,
    )
  }
}

/** Runs that nobody kills, but that meet each other. */
async function runNeighbours(rounds: number): Promise<void> {
  if (rounds === 0) return
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-chaos-'))
  try {
    const {refused, stored} = await interleaveRuns({folder, seed, rounds})
    console.log(`${rounds} rounds of three runs: ${stored} stored, ${refused} refused, ${seconds()} s`)
    const ended = await runAtTheSameTime(folder, seed, 3, Math.ceil(rounds / 50))
    const failed = ended.filter(({outcome}) => outcome !== 'done')
    console.log(`${ended.length} runs in 3 processes on one file: ${failed.length} failed, ${seconds()} s`)
    if (failed.length > 0) throw new Error(failed.map(({message}) => message).join('; '))
    await rm(folder, {recursive: true, force: true})
  } catch (error) {
    failures.push(
      `runs at the same time: ${error instanceof Error ? error.message : 'unknown'}\n  npm run chaos -- --kills 0 --rounds ${rounds} --seed ${seed}\n  their files: ${folder}`,
    )
  }
}

function count({phase, torn}: Kill): boolean {
  tally.kills += 1
  if (torn) tally.torn += 1
  phases.set(phase, (phases.get(phase) ?? 0) + 1)
  if (tally.kills % 50 === 0) console.log(`${tally.kills} kills, ${seconds()} s`)
  return tally.kills < wanted && failures.length === 0
}

const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1)

if (values.campaign === undefined) await Promise.all(Array.from({length: WORKERS}, work))
else await oneCampaign(Number(values.campaign))
console.log(`${tally.kills} kills in ${tally.campaigns} databases, seed ${seed}, ${seconds()} s`)
for (const [phase, number] of [...phases].toSorted(([, one], [, other]) => other - one)) {
  console.log(`  ${String(number).padStart(5)} while ${phase}`)
}
console.log(`${tally.torn} of them tore DuckDB's own metadata, which the next run mended`)
if (values.campaign === undefined && failures.length === 0) await runNeighbours(Number(values.rounds))
if (failures.length > 0) throw new Error(failures.join('\n'))
