import {sourceBug} from '../../base/errors.ts'

/** Makes the error for a source that reports when its slice, or the question that it was asked, has its answer. */
export const lateReport = (): Error =>
  sourceBug('the source reported something after its slice had ended', {
    rule: 'what it says in the background comes too late to be counted, so it must wait for it',
  })
