import type {JsonObject, Stream} from 'lorchestra'

export function idemKey({id}: JsonObject, {objectType, sourceSystem}: Stream): string {
  if (typeof id !== 'string' || id === '') throw new Error('the message has no id')
  return `${objectType}:${sourceSystem}:${id}`
}
