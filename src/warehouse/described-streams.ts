import type {DescribedStream} from './warehouse.ts'

/** Makes one entry for each scope of the entries for its islands of coverage, which come oldest first. */
export function joinIslands(islands: readonly DescribedStream[]): readonly DescribedStream[] {
  const scopes = new Map<string, DescribedStream>()
  for (const island of islands) {
    const {job, account, stream, selection} = island
    const scope = JSON.stringify([job, account, stream.sourceSystem, stream.objectType, selection])
    const known = scopes.get(scope)
    scopes.set(
      scope,
      known === undefined
        ? island
        : {
            ...known,
            covered: [...known.covered, ...island.covered],
            lastCommit: Math.max(known.lastCommit, island.lastCommit),
          },
    )
  }
  return [...scopes.values()]
}
