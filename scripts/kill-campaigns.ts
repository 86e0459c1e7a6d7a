import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

const SEEDS_APART = 100_003

export interface KillCampaign<Reading extends string> {
  readonly seed: number
  readonly reading: Reading
  /** Empty. */
  readonly folder: string
  readonly onKill: (kill: {readonly pagesRead: number; readonly torn: boolean}) => boolean
}

/** Runs campaigns until there were as many kills as wanted, each reading in its turn; or one of them, again. */
export async function killCampaigns<Reading extends string>(
  script: string,
  readings: readonly [Reading, ...Reading[]],
  run: (campaign: KillCampaign<Reading>) => Promise<void>,
): Promise<void> {
  const {values} = parseArgs({
    options: {
      kills: {type: 'string', default: '100'},
      seed: {type: 'string', default: '1'},
      campaign: {type: 'string'},
    },
  })
  const wanted = Number(values.kills)
  const seed = Number(values.seed)
  const startedAt = performance.now()
  const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1)
  const tally = {kills: 0, pages: 0, torn: 0, campaigns: 0}
  console.log(`seed ${seed}`)
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-chaos-'))
  const oneCampaign = async (number: number): Promise<void> => {
    const reading = readings[number % readings.length] ?? readings[0]
    const at = await mkdtemp(join(folder, `${number}-`))
    const before = tally.kills
    const onKill = ({pagesRead, torn}: {readonly pagesRead: number; readonly torn: boolean}): boolean => {
      tally.kills += 1
      tally.pages += pagesRead
      if (torn) tally.torn += 1
      return tally.kills < wanted
    }
    try {
      await run({seed: seed * SEEDS_APART + number, reading, folder: at, onKill})
    } catch (error) {
      const again = `npm run ${script} -- --seed ${seed} --campaign ${number}`
      throw new Error(`campaign ${number} failed. Again: ${again}. Its files: ${at}`, {cause: error})
    }
    tally.campaigns += 1
    console.log(`campaign ${number}, ${reading}: ${tally.kills - before} kills, ${seconds()} s`)
    await rm(at, {recursive: true, force: true})
  }
  if (values.campaign === undefined) {
    for (let number = 1; tally.kills < wanted; number += 1) await oneCampaign(number)
  } else await oneCampaign(Number(values.campaign))
  await rm(folder, {recursive: true, force: true})
  console.log(`${tally.kills} kills after ${tally.pages} pages, in ${tally.campaigns} databases, ${seconds()} s`)
  console.log(`${tally.torn} of them tore DuckDB's own metadata, which the next run mended`)
}
