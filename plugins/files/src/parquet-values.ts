import type {SchemaTree} from 'hyparquet'
import type {JsonValue} from 'lorchestra'

import type {Reading} from './reading.ts'

type ParseJson = Reading['parseJson']

const MICROS = 1_000_000n

/** What hyparquet is to make of values that JavaScript would hold with fewer digits. */
export const exactParsers = (parseJson: ParseJson) => ({
  timestampFromMilliseconds: (millis: bigint) => timeText(millis, 1000n),
  timestampFromMicroseconds: (micros: bigint) => timeText(micros, MICROS),
  timestampFromNanoseconds: (nanos: bigint) => timeText(nanos, MICROS * 1000n),
  dateFromDays: (days: number) => new Date(days * 86_400_000).toISOString().slice(0, 10),
  jsonFromBytes: (bytes: Uint8Array | undefined) =>
    bytes === undefined ? null : parseJson(new TextDecoder('utf-8', {fatal: true}).decode(bytes)),
})

/** Writes an instant with as many digits as it has. */
function timeText(count: bigint, unit: bigint): string {
  const fraction = ((count % unit) + unit) % unit
  const seconds = (count - fraction) / unit
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, -'.000Z'.length)
  const digits = String(fraction)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '')
  return `${text}${digits === '' ? '' : `.${digits}`}Z`
}

/** Keeps the decimals of a schema from being made doubles: they come as they are stored, and `valueOf` knows what they are. */
export function withoutDecimals(schema: SchemaTree['element'][]): SchemaTree['element'][] {
  return schema.map((element) => {
    if (!isDecimal(element)) return element
    const {converted_type: _converted, logical_type: _logical, ...rest} = element
    return rest
  })
}

const isDecimal = ({converted_type: converted, logical_type: logical}: SchemaTree['element']): boolean =>
  converted === 'DECIMAL' || logical?.type === 'DECIMAL'

/** Makes JSON of a value, whose type the schema tells, without loss. */
export function valueOf({element, children}: SchemaTree, value: unknown, parseJson: ParseJson): JsonValue {
  if (value === null || value === undefined) return null
  if (isDecimal(element)) return parseJson(decimalText(value as number | bigint | Uint8Array, element.scale ?? 0))
  if (Array.isArray(value)) return value.map((item) => valueOf(itemOf({element, children}), item, parseJson))
  if (typeof value === 'bigint') return parseJson(String(value))
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  // JSON has no such numbers.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'string') {
    const {logical_type: logical} = element
    return logical?.type === 'TIMESTAMP' && !logical.isAdjustedToUTC ? value.replace(/Z$/, '') : value
  }
  if (typeof value !== 'object' || children.length === 0) return value as JsonValue
  const mapped = element.converted_type === 'MAP' ? children[0]?.children[1] : undefined
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const node = mapped ?? children.find((child) => child.element.name === name)
      return [name, node === undefined ? (member as JsonValue) : valueOf(node, member, parseJson)]
    }),
  )
}

type Node = Pick<SchemaTree, 'element' | 'children'>

/** Finds what a list holds: in a group of its own, as is written today, or by itself. */
function itemOf({element, children}: Node): SchemaTree {
  const [group] = children
  if (element.repetition_type === 'REPEATED' || group === undefined)
    return {element: {...element, repetition_type: 'OPTIONAL'}, children: [...children], count: 0, path: []}
  return group.children.length === 1 ? (group.children[0] ?? group) : group
}

function decimalText(value: number | bigint | Uint8Array, scale: number): string {
  const unscaled = value instanceof Uint8Array ? integerOf(value) : BigInt(value)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`
}

/** Reads two's complement, the highest byte first. */
const integerOf = (bytes: Uint8Array): bigint =>
  bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`))
