import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {runBigQueryCampaign, type RunEnd} from '../test/support/bigquery/campaign.ts'
import {startEmulator} from '../test/support/bigquery/emulator.ts'

const WORKERS = 2
const RUNS_OF_ONE = 20
const SEEDS_APART = 100_003

const {values} = parseArgs({
  options: {
    runs: {type: 'string', default: '200'},
    seed: {type: 'string', default: '1'},
    campaign: {type: 'string'},
  },
})
const wanted = Number(values.runs)
const seed = Number(values.seed)
const startedAt = performance.now()
const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1)
const ends = new Map<RunEnd, number>()
const failures: string[] = []
const tally = {begun: 0, runs: 0}
const emulator = await startEmulator()

async function oneCampaign(number: number, runs: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-chaos-'))
  const onRun = (end: RunEnd): void => {
    tally.runs += 1
    ends.set(end, (ends.get(end) ?? 0) + 1)
    if (tally.runs % 20 === 0) console.log(`${tally.runs} runs, ${seconds()} s`)
  }
  try {
    await runBigQueryCampaign({emulator, seed: seed * SEEDS_APART + number, folder, runs, hangs: true, onRun})
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown'
    failures.push(`campaign ${number}: ${message}\n  npm run chaos:bigquery -- --seed ${seed} --campaign ${number}`)
  } finally {
    await rm(folder, {recursive: true, force: true})
  }
}

async function work(): Promise<void> {
  while (tally.begun * RUNS_OF_ONE < wanted && failures.length === 0) {
    const left = wanted - tally.begun * RUNS_OF_ONE
    tally.begun += 1
    await oneCampaign(tally.begun, Math.min(RUNS_OF_ONE, left))
  }
}

try {
  if (values.campaign === undefined) await Promise.all(Array.from({length: WORKERS}, work))
  else await oneCampaign(Number(values.campaign), RUNS_OF_ONE)
} finally {
  await emulator.stop()
}
const all = [...ends].map(([end, number]) => `${number} ${end}`).join(', ')
console.log(`${tally.runs} runs on ${tally.begun} tables, seed ${seed}, ${seconds()} s: ${all}`)
if (failures.length > 0) throw new Error(failures.join('\n'))
