import type {Stream} from '../source.ts'

/** The name of a stream, as the log and people read it. */
export const nameOfStream = ({sourceSystem, objectType}: Stream): string => `${sourceSystem}/${objectType}`

export const isSameStream = (one: Stream, other: Stream): boolean =>
  one.sourceSystem === other.sourceSystem && one.objectType === other.objectType
