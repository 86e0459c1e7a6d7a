import {queryObjects} from 'node:v8'

/** After so many bytes have passed through a process it is worth the tenth of a second for which V8 looks for all that it can give back. */
export const WORTH_GIVING_BACK = 256 * 1024 * 1024

function Nothing(): void {}

/**
 * Gives the memory of what has passed back to the machine. Left to itself V8 keeps 100 to 200 MB (measured) of a process that only
 * waits, beside another one that works.
 *
 * V8 does so before it counts the objects of a class. `gc` is no way: where a box has it, it writes files, by
 * `gc({type: 'major-snapshot', filename})` and past Node's permissions (tried).
 */
export function giveMemoryBack(): void {
  // oxlint-disable-next-line typescript/unbound-method -- it is put back as it was
  const {emitWarning} = process
  // Node calls counting experimental, and says so once.
  process.emitWarning = () => undefined
  try {
    queryObjects(Nothing, {format: 'count'})
  } finally {
    process.emitWarning = emitWarning
  }
}
