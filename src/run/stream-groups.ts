import {sourceBug} from '../base/errors.ts'
import {selectionOfStream} from '../config/selection-hash.ts'
import {NAME, NAME_RULE} from '../model/name.ts'
import type {Missed, Stream, StreamDefinition} from '../source.ts'
import type {StreamScope} from '../warehouse/warehouse.ts'

/** The same calls read these streams: those with a time together, those without together, and each that is separate alone. */
export interface StreamGroup {
  readonly windowed: boolean
  /** Tells by which options its records are selected: what another one covered does not count. */
  readonly selection: string
  readonly streams: readonly Stream[]
}

const MISSED: Readonly<Record<Missed, true>> = {late: true, moved: true, undated: true}
const isMissed = (name: unknown): boolean => typeof name === 'string' && Object.hasOwn(MISSED, name)

/** `selection` is that of the job; left out where nothing is asked of what is covered. */
export function streamGroups(
  definitions: readonly StreamDefinition[],
  sourceSystem: string,
  selection = '',
): readonly StreamGroup[] {
  const objectTypes = definitions.map(({objectType}) => objectType)
  const badName = objectTypes.find((objectType) => !NAME.test(objectType))
  const repeated = objectTypes.find((objectType, index) => objectTypes.indexOf(objectType) !== index)
  if (objectTypes.length === 0 || badName !== undefined || repeated !== undefined) {
    throw sourceBug(
      `the source names its streams wrongly: ${objectTypes.length === 0 ? 'none' : (badName ?? `${repeated ?? ''} twice`)}`,
      {rule: `${NAME_RULE}, and no two are alike`},
    )
  }
  const vague = definitions.find(({windowed}) => typeof windowed !== 'boolean')
  if (vague !== undefined) {
    throw sourceBug(`the source does not say whether records of ${vague.objectType} have a time`, {
      rule: 'windowed is true or false',
    })
  }
  const odd = definitions.find(({misses = []}) => !Array.isArray(misses) || !misses.every(isMissed))
  if (odd !== undefined) {
    throw sourceBug(`the source says that windows of ${odd.objectType} miss what there is not`, {
      rule: `misses is a list of ${Object.keys(MISSED).join(', ')}`,
    })
  }
  const torn = definitions.find((one) => one.selection !== undefined && one.separate !== true)
  if (torn !== undefined) {
    throw sourceBug(`the source selects ${torn.objectType} alone, and reads it with others`, {
      rule: 'a stream with a selection is separate',
    })
  }
  const streamOf = ({objectType}: StreamDefinition): Stream => ({sourceSystem, objectType})
  const together = definitions.filter(({separate}) => separate !== true)
  return [
    ...[true, false]
      .map((windowed) => ({
        windowed,
        selection,
        streams: together.filter((definition) => definition.windowed === windowed).map(streamOf),
      }))
      .filter(({streams}) => streams.length > 0),
    ...definitions
      .filter(({separate}) => separate === true)
      .map((definition) => ({
        windowed: definition.windowed,
        selection: selectionOfStream(selection, definition),
        streams: [streamOf(definition)],
      })),
  ]
}

/** Gives the scopes of a job's streams, group by group. */
export const scopesOfGroups = (
  {job, account}: Pick<StreamScope, 'job' | 'account'>,
  groups: readonly StreamGroup[],
): readonly StreamScope[] =>
  groups.flatMap(({selection, streams}) => streams.map((stream) => ({job, account, selection, stream})))

export function groupOf(groups: readonly StreamGroup[], objectType: string): StreamGroup {
  const found = groups.find(({streams}) => streams.some((stream) => stream.objectType === objectType))
  if (found === undefined) throw new Error(`no stream ${objectType} is read`)
  return found
}
