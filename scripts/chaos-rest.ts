import {runRestCampaign} from '../test/support/rest/campaign.ts'
import {READINGS} from '../test/support/rest/changing-api.ts'
import {killCampaigns} from './kill-campaigns.ts'

/** Runs that read an API while its records change, killed at random: as many kills as wanted. */
await killCampaigns('chaos:rest', READINGS, runRestCampaign)
