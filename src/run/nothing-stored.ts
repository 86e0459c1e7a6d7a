import {usageError} from '../base/errors.ts'

/** Makes the error for a job of which production holds nothing yet. */
export const nothingStored = (job: string): Error =>
  usageError(`nothing of ${job} is stored`, {
    code: 'E_RUN_UNKNOWN',
    next: `Fill the tables first: lorchestra run ${job}`,
  })
