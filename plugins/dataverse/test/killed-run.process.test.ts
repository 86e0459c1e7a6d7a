import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {runChangingCampaign} from '../../../test/support/dataverse/campaign.ts'
import {READINGS} from '../../../test/support/dataverse/changing-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'

const SEED = 20_250_102
const KILLS = 2

describe('Dataverse rows that are changed, inserted and deleted while a run reads them, and is killed at random', () => {
  let entra: EntraServer

  before(async () => {
    entra = await startEntraServer(await temporaryFolder())
  })
  after(async () => {
    await entra.close()
  })

  for (const [number, reading] of READINGS.entries()) {
    it(`are stored in the end as the server has them: ${reading}`, async () => {
      const folder = join(await temporaryFolder(), String(number))
      await mkdir(folder)
      let kills = 0
      const onKill = (): boolean => (kills += 1) < KILLS
      await runChangingCampaign({seed: SEED + number, reading, folder, entra, steps: 2, onKill})
    })
  }
})
