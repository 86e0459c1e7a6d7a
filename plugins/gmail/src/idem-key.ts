import type {JsonObject, Stream} from 'lorchestra'

export function idemKey({id}: JsonObject, {objectType, sourceSystem}: Stream): string {
  if (typeof id !== 'string' || id === '') throw new Error('the message has no id')
  return `${objectType}:${sourceSystem}:${id}`
}

/** Gives the message's id back. */
export const idOf = (key: string, {objectType, sourceSystem}: Stream): string =>
  key.slice(`${objectType}:${sourceSystem}:`.length)
