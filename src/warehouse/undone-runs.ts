import {failure} from '../base/errors.ts'

/** An event that takes back what others say, `run.undone`, requires this. */
export const UNDO_REQUIRES = 1
/** A run that logs `state.carried` requires this: an undo by a version that does not know it would leave it as it is. */
export const CARRIED_REQUIRES = 2

/**
 * An event has one of these as `requires` in its payload where a lorchestra that does not know of such events would misread the
 * log. This one knows of those up to this number.
 */
export const KNOWN_REQUIREMENT = CARRIED_REQUIRES

/** Throws where the log holds something that this version does not know of. */
export function assertLogIsKnown(eventLog: string, required: number): void {
  if (required <= KNOWN_REQUIREMENT) return
  throw failure(`a newer lorchestra has written to ${eventLog} what this one would misread`, {
    code: 'E_TABLE_INCOMPATIBLE',
    next: 'Nothing was read or written. Update lorchestra, and run the same command again.',
  })
}
