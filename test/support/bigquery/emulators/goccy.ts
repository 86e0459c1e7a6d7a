import type {Cannot} from '../emulators.ts'

const SCRIPT_STAYS = 'a script that fails as a job leaves what its statements before the failing one wrote'

export const GOCCY_CANNOT: Cannot = {
  'BigQuery as a warehouse': {
    'lands nothing of a commit whose events cannot be written, neither new rows nor changes': SCRIPT_STAYS,
    'takes thousands of records, very large ones among them, in one commit, and knows them again':
      'it refuses a line of 1.8 MB in a load job',
    'lets the next attempt of a task take over the stream of the one before, dead or not, and that one commits no more':
      'it keeps no expirations, by which a run tells that it is alive',
  },
}
