import type {JsonObject, Page, Source, SourceContext} from '../../src/source.ts'
import {conformanceTests, type ConformanceSetup} from '../../src/testing/conformance.ts'
import good from '../../templates/source/src/source.ts'
import {itemsOf, startService, TOKEN} from '../../templates/source/test/service.ts'

/** The rule that reads thousands of records. */
export const BOUNDED = 'yields bounded pages and keeps memory flat'

/** The rule that starts the plugin's own process. */
export const IN_A_BOX = 'runs in a box that can write nothing and read its own package alone'

interface Options {
  readonly url: string
  readonly token: string
}
export type Context = SourceContext<Options>
export type Pages = AsyncGenerator<Page>

const timeOf = (record: JsonObject): Date => new Date(String(record['updated_at']))

export const setupFor = (source: object): ConformanceSetup => ({
  source: source as Source,
  service: async (volume) => {
    const running = await startService(itemsOf(volume))
    return {...running, options: (url) => ({url, token: TOKEN})}
  },
  timeOf,
})

export async function complaintOf(rule: string, setup: ConformanceSetup): Promise<string> {
  const found = conformanceTests(setup).find((test) => test.rule === rule)
  if (found === undefined) throw new Error(`there is no rule ${rule}`)
  try {
    await found.test()
  } catch (error) {
    if (error instanceof Error) return error.message
    throw error
  }
  return 'no complaint'
}

/** The good source, with something done to its pages. */
export const withPages = (change: (context: Context, pages: AsyncIterable<Page>) => AsyncIterable<Page>): object => ({
  ...good,
  extract: (context: Context) => change(context, good.extract(context)),
})

export interface Wrong {
  readonly source: object
  readonly says: RegExp
}
