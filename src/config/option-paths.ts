import {isPlainObject} from './variables.ts'

type Options = Readonly<Record<string, unknown>>

/** Lists what options hold at a path: `token`, `auth.token`, or `headers.*` for all members there. */
export function valuesAt(options: Options, path: string): readonly unknown[] {
  const values: unknown[] = []
  changeAt(options, path, (value) => {
    values.push(value)
    return value
  })
  return values
}

/** Copies options with what is at a path changed; what becomes `undefined` is left out. */
export const changeAt = (options: Options, path: string, change: (value: unknown) => unknown): Options =>
  changeWithin(options, path.split('.'), change) as Options

function changeWithin(
  value: unknown,
  [name, ...rest]: readonly string[],
  change: (value: unknown) => unknown,
): unknown {
  if (name === undefined) return value === undefined ? undefined : change(value)
  if (Array.isArray(value)) return name === '*' ? value.map((item) => changeWithin(item, rest, change)) : value
  if (!isPlainObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, name === '*' || name === key ? changeWithin(item, rest, change) : item] as const)
      .filter(([, item]) => item !== undefined),
  )
}
