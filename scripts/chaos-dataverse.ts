import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {runChangingCampaign} from '../test/support/dataverse/campaign.ts'
import {READINGS} from '../test/support/dataverse/changing-server.ts'
import {startEntraServer} from '../test/support/entra-server.ts'
import {killCampaigns} from './kill-campaigns.ts'

/** Runs that read Dataverse while its rows change, killed at random: as many kills as wanted. */
const folder = await mkdtemp(join(tmpdir(), 'lorchestra-entra-'))
const entra = await startEntraServer(folder)
try {
  await killCampaigns('chaos:dataverse', READINGS, async (campaign) => runChangingCampaign({...campaign, entra}))
} finally {
  await entra.close()
  await rm(folder, {recursive: true, force: true})
}
