import type {Stream} from '../source.ts'
import {NAME} from './name.ts'

/** Gives the stream that a key names, `object type:source system:id`; `undefined` for what is no key. */
export function streamOfKey(idemKey: string): Stream | undefined {
  const [, objectType = '', sourceSystem = ''] = /^([^:]*):([^:]*):./s.exec(idemKey) ?? []
  return NAME.test(objectType) && sourceSystem !== '' ? {sourceSystem, objectType} : undefined
}
