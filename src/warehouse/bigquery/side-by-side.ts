import pMap from 'p-map'

import type {Queries} from './query.ts'

/** Asks for each item, several at once, and goes on where one fails, so that nothing is under way when it throws the first error. */
export async function sideBySide<Item, Result>(
  queries: Queries,
  items: readonly Item[],
  ask: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  try {
    return await pMap(items, ask, {concurrency: queries.atOnce, stopOnError: false})
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  }
}
