import type {JsonObject, Page, Source} from '../src/source.ts'

const PAGE = 500
const WORDS =
  'account annual answer archive balance before budget calendar clinic confirm contract customer deadline delivery draft estimate evening express family figure follow forward friday garden general greeting holiday husband invoice january kitchen language leaving letter library manager meeting message monday morning network number office opening order parcel patient payment people phone picture planning please print private project purchase quarter question receipt regards release reminder report request response review schedule school season section service session signature station statement street student summer support surgery table teacher thanks ticket today total travel tuesday update vacation village weather website weekend window winter writing yesterday'.split(
    ' ',
  )
const BODY_CHARACTERS = 1500
const TEXT_CHARACTERS = 1024 * 1024

/** Records of about 2 KB, the same for the same seed and revision whoever asks for them. */
export class SyntheticRecords {
  readonly count: number
  readonly #seed: number
  readonly #text: string

  constructor(count: number, seed: number) {
    this.count = count
    this.#seed = seed
    const random = generator(seed)
    const words: string[] = []
    for (let length = 0; length < TEXT_CHARACTERS;) {
      const word = `${WORDS[random() % WORDS.length] ?? ''}${random() % 9 === 0 ? '.\n' : ''}`
      words.push(word)
      length += word.length + 1
    }
    this.#text = words.join(' ')
  }

  /** Every revision changes every payload and no key. */
  at(index: number, revision: number): JsonObject {
    const random = generator(this.#seed + index * 7919)
    const from = random()
    const name = `${this.#word(random)}.${this.#word(random)}`
    const lines = Array.from({length: 1 + (from % 4)}, () => ({
      article: this.#word(random),
      quantity: random() % 20,
      price: (random() % 100_000) / 100,
    }))
    return {
      id: `${from.toString(16).padStart(8, '0')}-${index}`,
      revision,
      created: new Date(1_600_000_000_000 + index * 1000).toISOString(),
      from: {name, address: `${name}@example.com`, verified: from % 3 === 0},
      to: [`${this.#word(random)}@example.org`, `${this.#word(random)}@example.net`],
      subject: this.#excerpt(random(), 60),
      labels: [this.#word(random), this.#word(random), 'inbox'],
      lines,
      score: random() / 0xffffffff,
      parent: from % 5 === 0 ? null : (random() % 1000).toString(36),
      body: this.#excerpt(random() + revision * 4099, BODY_CHARACTERS),
    }
  }

  #word(random: () => number): string {
    return WORDS[random() % WORDS.length] ?? ''
  }

  #excerpt(position: number, length: number): string {
    const start = position % (TEXT_CHARACTERS - length)
    return this.#text.slice(start, start + length)
  }
}

export function idOf(record: JsonObject): string {
  const {id} = record
  if (typeof id !== 'string') throw new Error('a record without an id')
  return id
}

/** All records in one slice, hence in one commit: the hardest case for memory. */
export function syntheticSource(records: SyntheticRecords, revision: number): Source {
  return {
    apiVersion: 1,
    name: 'synthetic',
    summary: 'records made up as they are read',
    options: {'~standard': {version: 1, vendor: 'bench', validate: (value) => ({value})}},
    streams: () => [{objectType: 'message', windowed: false}],
    idemKey: (record, stream) => `${stream.objectType}:${stream.sourceSystem}:${idOf(record)}`,
    // oxlint-disable-next-line typescript/require-await -- the contract is asynchronous
    async *extract(): AsyncGenerator<Page> {
      for (let index = 0; index < records.count; index += PAGE) {
        const length = Math.min(PAGE, records.count - index)
        yield {records: Array.from({length}, (_, offset) => records.at(index + offset, revision))}
      }
    },
  }
}

/** Xorshift: fast, seeded, good enough for text. */
function generator(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
}
