import type {SourceContext} from 'lorchestra'

import type {Options} from './options/shape.ts'
import {Service} from './service.ts'
import {filled} from './template.ts'
import {membersOf, textOf, valueAt} from './value-at.ts'

/** Asks whose data it is, where the job says how. */
export async function check(context: SourceContext<Options>): Promise<{readonly identity: string} | undefined> {
  const service = new Service(context)
  const {identity, values} = service.settings
  if (identity === undefined) return undefined
  const url = service.addressOf(filled(identity.path, (name) => values[name], encodeURIComponent))
  const answer = await service.ask({url, params: {}, empty: []})
  const name = textOf(valueAt(answer?.body, identity.field))
  if (name !== undefined) return {identity: name}
  throw new Error(`identity: nothing at ${identity.field} says whose data it is; ${membersOf(answer?.body)}`)
}
