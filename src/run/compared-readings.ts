import {changedPaths, MOST_PATHS, type KeptReading} from './kept-reading.ts'

/** The search for a record with the same payload ends after so many keys that did not come again. */
const MOST_SOUGHT = 100

/** What readings of the same window have shown. */
export interface ComparedReadings {
  readonly records: number
  /** All records of the window were read; else what came after the first ones was not. */
  readonly isWhole: boolean
  readonly readings: 2 | 3
  /** Keys that are not the same each time. */
  readonly differing: readonly string[]
  /** Records whose payload came again under another key. */
  readonly renamed: readonly {readonly from: string; readonly to: string}[]
  /** Keys that several records with other payloads have. */
  readonly shared: readonly string[]
  /** Fields that are others at each reading, most frequent first. */
  readonly unstable: readonly UnstableField[]
  /** The number of records with such a field: reading them again would update so many rows. */
  readonly unstableRecords: number
  /** What was changed once and stayed so while it was read. */
  readonly meanwhile: {
    readonly changed: readonly ChangedMeanwhile[]
    readonly gone: readonly string[]
    readonly added: readonly string[]
  }
  /** Records that came again within the first reading. */
  readonly duplicates: number
  /** Records of the first reading that cannot be stored, and were not compared. */
  readonly rejected: number
}

export interface UnstableField {
  /** It is written in the way of RFC 6901. */
  readonly path: string
  readonly records: number
}

export interface ChangedMeanwhile {
  readonly idemKey: string
  readonly paths: readonly string[]
}

/** Tells whether a second reading leaves something open that a third one decides. */
export function isAnythingElse(first: KeptReading, second: KeptReading): boolean {
  const {gone, added} = keysBetween(first, second)
  if (gone.length + added.length > 0) return true
  for (const [key, {other}] of first.records)
    if (other !== undefined || changesIn(first, second, key).length > 0) return true
  return false
}

/** Compares readings of one window; without a third one the second has shown the same as the first. */
export function compareReadings(first: KeptReading, second: KeptReading, third?: KeptReading): ComparedReadings {
  const {gone, added} = keysBetween(first, second)
  const differing = third === undefined ? [] : differingKeys({first, second, third}, {gone, added})
  const isExplained = differing.length === 0
  const fields = third === undefined ? undefined : comparePayloads(first, second, third)
  return {
    records: first.records.size,
    isWhole: first.isWhole,
    readings: third === undefined ? 2 : 3,
    differing,
    renamed: isExplained ? [] : renamedIn(first, second, gone),
    shared: sharedKeys(first, second, new Set(fields?.unstable.map(({path}) => path))),
    unstable: fields?.unstable ?? [],
    unstableRecords: fields?.unstableRecords ?? 0,
    meanwhile: {
      changed: fields?.changed ?? [],
      gone: isExplained ? gone : [],
      added: isExplained ? added : [],
    },
    duplicates: first.duplicates,
    rejected: first.rejected,
  }
}

/** Others are news only where all were read before. */
function keysBetween(former: KeptReading, latter: KeptReading) {
  return {
    gone: [...former.records.keys()].filter((key) => !latter.records.has(key)),
    added: former.isWhole ? [...latter.records.keys()].filter((key) => !former.records.has(key)) : [],
  }
}

/** Where the third reading has the keys of the second, something was really deleted or added in between. */
function differingKeys(
  {first, second, third}: Readonly<Record<'first' | 'second' | 'third', KeptReading>>,
  {gone, added}: ReturnType<typeof keysBetween>,
): readonly string[] {
  const again = keysBetween(second, third)
  const wasSought = gone.length + added.length > 0 || first.isWhole
  const lost = wasSought ? again.gone : again.gone.filter((key) => first.records.has(key))
  const more = first.isWhole ? again.added : []
  const back = gone.filter((key) => third.records.has(key))
  if (lost.length + more.length + back.length === 0) return []
  return [...new Set([...gone, ...added, ...lost, ...more])]
}

function comparePayloads(first: KeptReading, second: KeptReading, third: KeptReading) {
  const changed = [...first.records.keys()].flatMap((key) => {
    // Of several records with one key it is chance which is compared with which.
    if (first.records.get(key)?.other !== undefined) return []
    const paths = changesIn(first, second, key)
    return paths.length === 0 ? [] : [{idemKey: key, paths, again: changesIn(second, third, key)}]
  })
  const unstablePaths = new Set<string>()
  for (const {again} of changed) for (const path of again) if (unstablePaths.size < MOST_PATHS) unstablePaths.add(path)
  const records = new Map<string, number>()
  let unstableRecords = 0
  const meanwhile: ChangedMeanwhile[] = []
  for (const {idemKey, paths, again} of changed) {
    // What only seems to have changed once, because it was the same twice by chance, is unstable in other records.
    const unstable = [...new Set([...paths, ...again])].filter((path) => unstablePaths.has(path))
    for (const path of unstable) records.set(path, (records.get(path) ?? 0) + 1)
    if (unstable.length + again.length > 0) unstableRecords += 1
    else meanwhile.push({idemKey, paths})
  }
  return {
    unstable: [...records]
      .map(([path, count]) => ({path, records: count}))
      .toSorted((one, other) => other.records - one.records || (one.path < other.path ? -1 : 1)),
    unstableRecords,
    changed: meanwhile,
  }
}

/** Two records share a key where both readings have both of them; a page that shifted shows an edited one twice, once. */
function sharedKeys(first: KeptReading, second: KeptReading, unstable: ReadonlySet<string>): readonly string[] {
  return [...first.records].flatMap(([key, {json, other}]) => {
    if (json === undefined || other === undefined || second.records.get(key)?.other === undefined) return []
    return changedPaths(json, other).every((path) => unstable.has(path)) ? [] : [key]
  })
}

function renamedIn(first: KeptReading, second: KeptReading, gone: readonly string[]): ComparedReadings['renamed'] {
  const byLength = new Map<number, {key: string; json: Uint8Array}[]>()
  for (const [key, {json}] of second.records) {
    if (json === undefined || first.records.has(key)) continue
    const alike = byLength.get(json.byteLength)
    if (alike === undefined) byLength.set(json.byteLength, [{key, json}])
    else alike.push({key, json})
  }
  return gone.slice(0, MOST_SOUGHT).flatMap((from) => {
    const json = first.records.get(from)?.json
    if (json === undefined) return []
    const same = byLength.get(json.byteLength)?.find((each) => changedPaths(json, each.json).length === 0)
    return same === undefined ? [] : [{from, to: same.key}]
  })
}

function changesIn(former: KeptReading, latter: KeptReading, key: string): readonly string[] {
  const [from, to] = [former.records.get(key)?.json, latter.records.get(key)?.json]
  return from === undefined || to === undefined ? [] : changedPaths(from, to)
}
