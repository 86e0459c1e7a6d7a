import {sourceBug} from '../../base/errors.ts'
import type {Stream} from '../../source.ts'

/** Finds the stream that a source speaks of; it may leave out the name of the only one. */
export function streamNamed(objectType: string | undefined, streams: readonly Stream[]): Stream {
  const found =
    objectType === undefined && streams.length === 1
      ? streams[0]
      : streams.find((stream) => stream.objectType === objectType)
  if (found !== undefined) return found
  throw sourceBug(
    `the source spoke of object type ${objectType ?? '(none)'}; this slice reads ${streams.map((stream) => stream.objectType).join(', ')}`,
    {rule: 'it must name one of the streams that it was asked for'},
  )
}
