import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {runRestCampaign} from '../../../test/support/rest/campaign.ts'
import {READINGS} from '../../../test/support/rest/changing-api.ts'

const SEED = 20_261_128
const KILLS = 2

describe('Records of an API that are changed while a run reads them, and is killed at random', () => {
  for (const [number, reading] of READINGS.entries()) {
    it(`are stored in the end as the API has them: ${reading}`, async () => {
      const folder = join(await temporaryFolder(), String(number))
      await mkdir(folder)
      let kills = 0
      const onKill = (): boolean => (kills += 1) < KILLS
      await runRestCampaign({seed: SEED + number, reading, folder, steps: 2, onKill})
    })
  }
})
