import {sourceBug} from '../../base/errors.ts'
import {jsonText} from '../../base/json-text.ts'
import type {JsonValue} from '../../source.ts'

/** Throws for what cannot be kept with a commit. */
export function assertJson(value: JsonValue, what: string): JsonValue {
  const json = jsonText(value)
  if ('text' in json) return value
  throw sourceBug(`the source gave a ${what} that cannot be kept: ${json.problem}`)
}
