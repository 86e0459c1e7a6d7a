import type {StandardSchemaV1} from '@standard-schema/spec'

import {isPlainObject} from '../../config/variables.ts'
import {hashSelection} from '../../config/selection-hash.ts'
import type {Source} from '../../source.ts'
import {toMessage, type ErrorMessage} from './error-message.ts'

/** An answer that may be an error: streams and rate limit are asked for together with the options, and told when needed. */
export type Told<Value> = {readonly value: Value} | {readonly error: ErrorMessage}

export type OptionsMessage =
  | {
      readonly issues: readonly {
        readonly message: string
        readonly path: readonly (string | number)[]
        readonly keys?: readonly string[]
        readonly [more: string]: unknown
      }[]
    }
  | {
      /** What JSON can hold of the options. */
      readonly values: Readonly<Record<string, unknown>>
      readonly streams: Told<unknown>
      readonly rateLimit: Told<unknown>
    }

/** Tells the host what the source made of its options; the options themselves stay in the box. */
export function optionsMessage(source: Source, result: StandardSchemaV1.Result<unknown>): OptionsMessage {
  if (result.issues !== undefined) return {issues: result.issues.map(issueMessage)}
  const {value: options} = result
  const values = isPlainObject(options) ? options : {}
  // A Set or a Map would cross the wall as an empty object.
  hashSelection(values, source)
  return {
    values: JSON.parse(
      JSON.stringify(values, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    ) as Record<string, unknown>,
    streams: told(() => source.streams(options)),
    rateLimit: told(() => source.rateLimit?.(options) ?? null),
  }
}

function issueMessage(issue: StandardSchemaV1.Issue) {
  const {message, path, ...more} = issue as StandardSchemaV1.Issue & Readonly<Record<string, unknown>>
  return {
    ...(JSON.parse(JSON.stringify(more)) as object),
    message,
    path: (path ?? []).map((part) => {
      const key = typeof part === 'object' ? part.key : part
      return typeof key === 'symbol' ? String(key) : key
    }),
  }
}

function told<Value>(ask: () => Value): Told<Value> {
  try {
    return {value: ask()}
  } catch (error) {
    return {error: toMessage(error)}
  }
}
