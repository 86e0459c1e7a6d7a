import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {runChangingCampaign} from '../test/support/dataverse/campaign.ts'
import {READINGS} from '../test/support/dataverse/changing-server.ts'
import {startEntraServer} from '../test/support/entra-server.ts'

const SEEDS_APART = 100_003

/** Runs that read Dataverse while its rows change, killed at random: as many kills as wanted. */
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
const entra = await startEntraServer(folder)
try {
  if (values.campaign === undefined) {
    for (let number = 1; tally.kills < wanted; number += 1) await oneCampaign(number)
  } else await oneCampaign(Number(values.campaign))
  await rm(folder, {recursive: true, force: true})
} finally {
  await entra.close()
}
console.log(`${tally.kills} kills after ${tally.pages} pages, in ${tally.campaigns} databases, ${seconds()} s`)
console.log(`${tally.torn} of them tore DuckDB's own metadata, which the next run mended`)

async function oneCampaign(number: number): Promise<void> {
  const reading = READINGS[number % READINGS.length] ?? READINGS[0]
  const at = await mkdtemp(join(folder, `${number}-`))
  const before = tally.kills
  try {
    await runChangingCampaign({
      seed: seed * SEEDS_APART + number,
      reading,
      folder: at,
      entra,
      onKill: ({pagesRead, torn}) => {
        tally.kills += 1
        tally.pages += pagesRead
        if (torn) tally.torn += 1
        return tally.kills < wanted
      },
    })
  } catch (error) {
    const again = `npm run chaos:dataverse -- --seed ${seed} --campaign ${number}`
    throw new Error(`campaign ${number} failed. Again: ${again}. Its files: ${at}`, {cause: error})
  }
  tally.campaigns += 1
  console.log(`campaign ${number}, ${reading}: ${tally.kills - before} kills, ${seconds()} s`)
  await rm(at, {recursive: true, force: true})
}
