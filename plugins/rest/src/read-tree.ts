import type {Stream} from 'lorchestra'

import type {Settings, StreamSettings} from './settings.ts'

/** One list that is read, and those that are read for each of its records. */
export interface ReadTree {
  readonly settings: StreamSettings
  /** Whether only what lies in the window is read. */
  readonly window: boolean
  /** The stream that its records are yielded to; `undefined`: they are asked for what belongs to them alone. */
  readonly stream?: Stream
  readonly children: readonly ReadTree[]
  /** Nothing else is read in the call, so that a place in it is a place in all. */
  readonly isOnly: boolean
}

/**
 * Says which lists must be read for some streams. A list that is read for each record without a window of its own goes with
 * the window of those records; one with its own is read for each of all records.
 */
export function neededFor(settings: Settings, streams: readonly Stream[]): readonly ReadTree[] {
  const all = [...settings.streams.values()]
  const wanted = new Map(streams.map((stream) => [stream.objectType, stream]))
  const treeOf = (each: StreamSettings, window: boolean, yields: boolean): ReadTree | undefined => {
    const children = all
      .filter(({for_each}) => for_each === each.objectType)
      .flatMap((child) => {
        const own = child.window !== undefined
        // What has its own window is read along with the whole list.
        if (own && window) return []
        return treeOf(child, own, own || yields) ?? []
      })
    const stream = yields ? wanted.get(each.objectType) : undefined
    if (stream === undefined && children.length === 0) return undefined
    return {settings: each, window, children, isOnly: false, ...(stream !== undefined && {stream})}
  }
  const trees = all
    .filter(({for_each}) => for_each === undefined)
    .flatMap((root) => {
      const own = root.window !== undefined
      return [treeOf(root, own, true), own ? treeOf(root, false, false) : undefined].filter(
        (tree) => tree !== undefined,
      )
    })
  return trees.length === 1 ? trees.map((tree) => ({...tree, isOnly: true})) : trees
}
