/**
 * DuckDB keeps the metadata of the last two checkpoints in one block and rewrites that block in place. A process that
 * is killed within this one write (seen about once in 400 kills that were aimed at such moments) leaves a block whose
 * checksum is wrong, and no DuckDB opens the file any more. Nothing outside of the engine can prevent it; such a
 * database is counted and given up. Every other damage is a failure.
 */
export const isTornMetadataBlock = (error: unknown): boolean =>
  error instanceof Error &&
  /Corrupt database file: computed checksum \d+ does not match stored checksum \d+ in block at location/.test(
    error.message,
  )
