/** The JSON text of a record as the service wrote it, but for space between its tokens. */
export interface ReceivedJson {
  /** UTF-8. */
  readonly bytes: Uint8Array
  /** Lists and objects within each other. */
  readonly levels: number
  /** A number in it may have more digits than a double holds. */
  readonly manyDigits: boolean
}

const received = new WeakMap<object, ReceivedJson>()

/** Keeps the text for as long as somebody holds the record, which is frozen, so that both stay the same. */
export function keepReceivedJson(record: object, json: ReceivedJson): void {
  received.set(record, json)
}

/** Gives the text where a service wrote the record, and nobody copied it since. */
export const receivedJsonOf = (record: object): ReceivedJson | undefined => received.get(record)
