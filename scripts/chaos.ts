import {randomInt} from 'node:crypto'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {runBoxCampaign} from '../test/support/chaos/box-campaign.ts'
import {runCampaign, type CampaignOptions, type Kill} from '../test/support/chaos/campaign.ts'
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
    /** Of boxes, while the command that started them goes on. */
    'box-kills': {type: 'string', default: '0'},
    /** At random, unless given to repeat a campaign. */
    seed: {type: 'string', default: String(randomInt(1e6))},
    /** Of three runs that nobody kills, but that meet each other. */
    rounds: {type: 'string', default: '0'},
    /** This one alone, of those that `--kills 0` or `--box-kills 0` leaves. */
    campaign: {type: 'string'},
  },
})
const seed = Number(values.seed)
const startedAt = performance.now()
console.log(`seed ${seed}`)
const failures: string[] = []

/** Databases, one after the other, until there were as many kills as wanted. */
class Series {
  readonly #flag: string
  readonly #wanted: number
  readonly #run: (number: number) => (options: CampaignOptions) => Promise<void>
  readonly #phases = new Map<string, number>()
  readonly #tally = {kills: 0, campaigns: 0, begun: 0, torn: 0}

  constructor(flag: 'kills' | 'box-kills', run: (number: number) => (options: CampaignOptions) => Promise<void>) {
    this.#flag = flag
    this.#wanted = Number(values[flag])
    this.#run = run
  }

  async run(): Promise<void> {
    if (this.#wanted === 0 || failures.length > 0) return
    if (values.campaign === undefined) await Promise.all(Array.from({length: WORKERS}, async () => this.#work()))
    else await this.#campaign(Number(values.campaign))
    this.#report()
  }

  async #work(): Promise<void> {
    while (this.#tally.kills < this.#wanted && failures.length === 0) {
      this.#tally.begun += 1
      await this.#campaign(this.#tally.begun)
    }
  }

  async #campaign(number: number): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'lorchestra-chaos-'))
    try {
      const onKill = (kill: Kill): boolean => this.#count(kill)
      await this.#run(number)({seed: seed * SEEDS_APART + number, folder, onKill})
      this.#tally.campaigns += 1
      await rm(folder, {recursive: true, force: true})
    } catch (error) {
      const others = this.#flag === 'kills' ? '' : ' --kills 0'
      const again = `npm run chaos -- --seed ${seed}${others} --${this.#flag} ${this.#wanted} --campaign ${number}`
      failures.push(
        `campaign ${number}: ${error instanceof Error ? error.message : 'unknown'}\n  ${again}\n  its files: ${folder}`,
      )
    }
  }

  #count({phase, torn}: Kill): boolean {
    this.#tally.kills += 1
    if (torn) this.#tally.torn += 1
    this.#phases.set(phase, (this.#phases.get(phase) ?? 0) + 1)
    if (this.#tally.kills % 50 === 0) console.log(`${this.#tally.kills} ${this.#flag}, ${seconds()} s`)
    return this.#tally.kills < this.#wanted && failures.length === 0
  }

  #report(): void {
    const {kills, campaigns, torn} = this.#tally
    console.log(`${kills} ${this.#flag} in ${campaigns} databases, seed ${seed}, ${seconds()} s`)
    for (const [phase, number] of [...this.#phases].toSorted(([, one], [, other]) => other - one)) {
      console.log(`  ${String(number).padStart(5)} while ${phase}`)
    }
    if (this.#flag === 'kills') console.log(`${torn} of them tore DuckDB's own metadata, which the next run mended`)
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

const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1)

await new Series('kills', (number) => (number % COMMANDS === 0 ? runCommandCampaign : runCampaign)).run()
await new Series('box-kills', () => runBoxCampaign).run()
if (values.campaign === undefined && failures.length === 0) await runNeighbours(Number(values.rounds))
if (failures.length > 0) throw new Error(failures.join('\n'))
