/** Bytes of a file that are read at once. */
export const CHUNK_BYTES = 1024 * 1024
