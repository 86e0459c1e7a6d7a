import type {SourceContext} from 'lorchestra'

import {get} from './api.ts'
import type {Options} from './options.ts'

/** Needs no privilege, so that an account can be told from one that lacks them. */
export async function check(context: SourceContext<Options>): Promise<{readonly identity: string}> {
  const {OrganizationId: identity} = (await get(context, 'WhoAmI')).body
  if (typeof identity !== 'string' || identity === '')
    throw new Error('WhoAmI answered without OrganizationId; check that url is a Dataverse environment')
  return {identity}
}
