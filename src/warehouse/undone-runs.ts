import {failure} from '../base/errors.ts'

/**
 * An event that takes back what others say has `requires` in its payload: a lorchestra that does not know of such events would
 * count what is taken back. This one knows of those up to this number; 1 is `run.undone`.
 */
export const KNOWN_REQUIREMENT = 1

/** Throws where an event in the log takes back something that this version does not know of. */
export function assertLogIsKnown(eventLog: string, required: number): void {
  if (required <= KNOWN_REQUIREMENT) return
  throw failure(`a newer lorchestra has written to ${eventLog} what this one would misread`, {
    code: 'E_TABLE_INCOMPATIBLE',
    next: 'Nothing was read or written. Update lorchestra, and run the same command again.',
  })
}
