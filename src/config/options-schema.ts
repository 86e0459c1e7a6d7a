import type {Source} from '../source.ts'

/** Gives the JSON Schema of a source's options; `undefined` where its validator offers none. */
export function jsonSchemaOf(source: Pick<Source, 'options'>): unknown {
  const standard: object = source.options['~standard']
  if (!('jsonSchema' in standard)) return undefined
  const {jsonSchema} = standard as {jsonSchema: {input?: (options: {target: string}) => unknown}}
  try {
    return jsonSchema.input?.({target: 'draft-2020-12'})
  } catch {
    // Validators may refuse what JSON Schema has no words for.
    return undefined
  }
}
