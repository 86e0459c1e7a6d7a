import {windowIn} from './coverage-sql.ts'
import {textOf, type Row} from './event-rows.ts'
import type {DescribedStream} from './warehouse.ts'

/** Needs a row for each island of coverage, oldest first, with the columns of its scope and `committed`. */
export const describedStreams = (rows: readonly Row[]): readonly DescribedStream[] =>
  joinIslands(
    rows.map((row) => ({
      job: textOf(row['job']),
      account: typeof row['account'] === 'string' ? row['account'] : null,
      stream: {sourceSystem: textOf(row['source_system']), objectType: textOf(row['object_type'])},
      selection: textOf(row['selection']),
      lastCommit: Number(row['committed']),
      covered: [windowIn(row)],
    })),
  )

/** Makes one entry for each scope of the entries for its islands of coverage, which come oldest first. */
function joinIslands(islands: readonly DescribedStream[]): readonly DescribedStream[] {
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
