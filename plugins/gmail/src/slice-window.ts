import type {JsonObject, SliceWindow} from 'lorchestra'

import type {Options} from './options.ts'

/**
 * Gmail's search knows whole seconds, and whether its ends count is not documented. So the search asks for a little more
 * on both sides, and `timeOf` decides.
 */
export function searchFor({query}: Options, {since, until}: SliceWindow): string {
  const after = since === undefined ? undefined : `after:${Math.max(0, Math.floor(since.getTime() / 1000) - 1)}`
  const before = `before:${Math.ceil(until.getTime() / 1000) + 1}`
  return [query === '' ? undefined : `(${query})`, after, before].filter((term) => term !== undefined).join(' ')
}

/** When Gmail received the message, in milliseconds. */
export function timeOf({internalDate}: JsonObject): number | undefined {
  return typeof internalDate === 'string' && /^\d{1,15}$/.test(internalDate) ? Number(internalDate) : undefined
}

export const isInside = (time: number, {since, until}: SliceWindow): boolean =>
  time < until.getTime() && (since === undefined || time >= since.getTime())
