import type {DescribedStream} from './warehouse.ts'

/** One entry for each scope, from one entry for each of its islands of coverage, oldest first. */
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
