import {failure} from '../base/errors.ts'

/** Makes the error of a run that rejects more than its job allows. `last` holds no payload. */
export const tooManyRejects = (
  maxRejects: number,
  {reference, reason}: {readonly reference: string; readonly reason: string},
): Error =>
  failure(`more than ${maxRejects} records were rejected, the last one ${reference}: ${reason}`, {
    code: 'E_TOO_MANY_REJECTS',
    next: 'See the log for their reasons (--log-level debug names each of them); raise max_rejects for this job in lorchestra.yaml to store the good ones.',
  })
