import * as z from 'zod'

type Immutable<Value> = Value extends object ? {readonly [Key in keyof Value]: Immutable<Value[Key]>} : Value

/**
 * This is the type of what a schema describes. Commands take only types from this folder: zod is slow to load, so documents are
 * checked against their schemas in tests and not while the program runs.
 */
export type DocumentOf<Schema extends z.ZodType> = Immutable<z.infer<Schema>>

/** Makes the schema of a document of `--json`. Members may be added; one that is there keeps its name and meaning. */
export const document = <Members extends z.ZodRawShape>(members: Members) =>
  z.strictObject({schema: z.literal(1).describe('The version of this document.'), ...members})
