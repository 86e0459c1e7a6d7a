const FEWEST = 16_384
const MOST = 131_072
/** A piece that takes longer is followed by a smaller one, one that takes less by a larger one; milliseconds. */
const LONG = 400
const SHORT = 150

/** Says how many rows are read at a time: fewer where payloads are large or the machine is slow, so that nobody waits long for a piece. */
export class PieceRows {
  #rows = FEWEST

  /** Has rows read from the first one, and answers where the next piece begins. */
  async next(first: number, read: (rows: readonly [number, number]) => Promise<void>): Promise<number> {
    const rows = this.#rows
    const startedAt = performance.now()
    await read([first, first + rows])
    const took = performance.now() - startedAt
    if (took > LONG) this.#rows = Math.max(FEWEST, rows / 2)
    else if (took < SHORT) this.#rows = Math.min(MOST, rows * 2)
    return first + rows
  }
}
