import {usageError} from '../base/errors.ts'
import type {Config} from '../config/config.ts'
import type {BoxOwner} from './box-owner.ts'
import type {ListedSource} from './found-sources.ts'

/** Throws where the source starts processes and nobody has allowed it. */
export function assertAllowed(
  {descriptor, plugin}: ListedSource,
  {account, name, allow}: BoxOwner,
  {shownPath}: Pick<Config, 'shownPath'>,
): void {
  if (!descriptor.spawn || allow.includes('spawn')) return
  const [owner, place] = account === undefined ? [`job ${name ?? ''}`, 'jobs'] : [`account ${account}`, 'accounts']
  throw usageError(
    `the source ${descriptor.name} of the plugin ${plugin.name} starts processes, and the ${owner} does not allow it`,
    {
      code: 'E_NOT_ALLOWED',
      next: `If you trust that plugin, add the line \`allow: [spawn]\` under \`${place}: ${account ?? name ?? ''}:\` in ${shownPath}. What it starts is in no box: it can read and write all that you can, in every mode.`,
    },
  )
}
