import type {JsonObject, Stream} from 'lorchestra'

/** For ever the same for the same item: what is stored is found again by it. */
export function idemKey({id}: JsonObject, {objectType, sourceSystem}: Stream): string {
  if (typeof id !== 'string' || id === '') throw new Error('the item has no id')
  return `${objectType}:${sourceSystem}:${id}`
}
