import {TEXT_LINES} from '../../../src/warehouse/record-lines.ts'
import type {Warehouse} from '../../../src/warehouse/warehouse.ts'

/** Has BigQuery meet what it cannot read, where a source or a rule of its JSON that nobody knows of would. */
export function spoiling(real: Warehouse, id: string): Warehouse {
  const payload = (json: Uint8Array): Uint8Array => {
    const text = Buffer.from(json).toString('utf8')
    return TEXT_LINES.payload?.(Buffer.from(text.includes(`"${id}"`) ? `{"id":"${id}",n:1}` : text)) ?? json
  }
  return new Proxy(real, {
    get(target, name) {
      if (name === 'recordLines') return {...TEXT_LINES, payload}
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}
