import type {Stream} from '../source.ts'
import type {Reject} from './warehouse.ts'

/** So many keys are looked up by one statement. */
const MOST_KEYS = 500

/** Gives the keys of those that are stored, with when they were seen last; milliseconds since 1970. */
export type LookUpKeys = (stream: Stream, idemKeys: readonly string[]) => Promise<ReadonlyMap<string, number>>

/** Closes the rejects whose records were stored since. */
export async function closeStored(rejects: readonly Reject[], lookUp: LookUpKeys): Promise<readonly Reject[]> {
  const wanted = new Map<string, {readonly stream: Stream; readonly keys: Set<string>}>()
  for (const reject of rejects.filter(({open}) => open)) {
    const name = JSON.stringify(reject.stream)
    const ofStream = wanted.get(name) ?? {stream: reject.stream, keys: new Set<string>()}
    wanted.set(name, ofStream)
    ofStream.keys.add(keyOf(reject))
  }
  const seen = new Map<string, number>()
  for (const {stream, keys} of wanted.values()) {
    const all = [...keys]
    for (let index = 0; index < all.length; index += MOST_KEYS) {
      for (const [key, at] of await lookUp(stream, all.slice(index, index + MOST_KEYS))) seen.set(key, at)
    }
  }
  return rejects.map((reject) =>
    (seen.get(keyOf(reject)) ?? -Infinity) > (reject.seenFrom ?? Date.parse(reject.at))
      ? {...reject, open: false}
      : reject,
  )
}

/** The reference is the key itself, or what the source calls the record. */
function keyOf({reference, stream: {objectType, sourceSystem}}: Reject): string {
  const prefix = `${objectType}:${sourceSystem}:`
  return reference.startsWith(prefix) ? reference : `${prefix}${reference}`
}
