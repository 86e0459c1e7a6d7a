import * as z from 'zod'

const count = z.int().nonnegative()
const unlessDry = count.nullable()

const others = {
  listed: count.describe('What the source listed.'),
  extracted: count.describe('What was fetched.'),
  known: count.describe('Stored already and never changing, so not fetched.'),
  outside: count.describe('Outside of the window.'),
  gone: count.describe('Vanished between being listed and being fetched.'),
  rejected: count.describe('Could not be stored.'),
  deleted: count.describe('Gone from the source, which said so.'),
}

/** They say what became of the records of a run that wrote. */
export const countsMember = z
  .strictObject({
    ...others,
    inserted: count.describe('New keys.'),
    updated: count.describe('Known keys with another payload.'),
    unchanged: count.describe('Known keys with the same payload.'),
    duplicates: count.describe('Came again in the same run.'),
  })
  .meta({id: 'counts', description: 'What became of the records, in numbers.'})

/** A run that may have been dry has the same; what a write would have done is not known then, and not guessed. */
export const countsOfAnyRun = z
  .strictObject({
    ...others,
    inserted: unlessDry.describe('New keys; null in a dry run.'),
    updated: unlessDry.describe('Known keys with another payload; null in a dry run.'),
    unchanged: unlessDry.describe('Known keys with the same payload; null in a dry run.'),
    duplicates: unlessDry.describe('Came again in the same run; null where a dry run had too many keys to compare.'),
  })
  .meta({id: 'counts_of_any_run', description: 'What became of the records, in numbers.'})
