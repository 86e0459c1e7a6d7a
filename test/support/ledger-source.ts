import {scriptedSource, type ScriptedSource} from './scripted-source.ts'

export const LEDGER_PAGE = 10

/** A service without any time that can only be read from its first record on, or from a place within. */
export class Ledger {
  readonly size: number
  /** A reading fails when it has yielded so many. */
  breaksAfter = Infinity
  /** Nothing can be read from a place within any more. */
  forgetsPlaces = false
  /** Called with the number of the page's first record. */
  onPage: (first: number) => void = () => undefined

  constructor(size: number) {
    this.size = size
  }
}

/** Reads it page by page, each of them a checkpoint. What it is given by a feed holds nothing new. */
export const ledgerSource = (ledger: Ledger): ScriptedSource =>
  scriptedSource(() => [], {
    streams: [{objectType: 'entry', windowed: false}],
    async *extract({bookmark = 0}) {
      if (typeof bookmark !== 'number') return
      if (bookmark > 0 && ledger.forgetsPlaces) throw new Error('the place is forgotten')
      for (let first = bookmark; first < ledger.size; first += LEDGER_PAGE) {
        ledger.onPage(first)
        const left = ledger.breaksAfter - (first - bookmark)
        const count = Math.min(LEDGER_PAGE, ledger.size - first, left)
        const records = Array.from({length: count}, (_, index) => ({id: String(first + index)}))
        const isWhole = count === Math.min(LEDGER_PAGE, ledger.size - first)
        yield await Promise.resolve({
          records,
          ...(isWhole && {bookmark: first + LEDGER_PAGE, checkpoint: true as const}),
        })
        if (left <= LEDGER_PAGE) throw new Error('the ledger fell shut')
      }
    },
  })
