import {messageWithCauses, sourceBug} from '../base/errors.ts'
import {jsonText} from '../base/json-text.ts'
import type {JsonValue} from '../source.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import type {Slice, SliceReader, SliceResult} from './slice.ts'
import {SliceIntake} from './slice-intake.ts'
import {SourcePages} from './source-pages.ts'

/** Pulls one slice from the source, page by page, into the sink. */
export async function readSlice(reader: SliceReader, slice: Slice): Promise<SliceResult> {
  const intake = new SliceIntake(reader, slice)
  const pages = new SourcePages(
    sourceAnswer(() => reader.source.extract(intake.context())),
    reader.signal,
  )
  let bookmark: JsonValue | undefined
  let exhausted = false
  try {
    while (!intake.full) {
      const page = await pages.next()
      if (page === undefined) {
        exhausted = true
        break
      }
      await intake.take(page)
      if (page.bookmark !== undefined) bookmark = assertJson(page.bookmark, 'bookmark')
    }
  } catch (error) {
    await pages.close().catch((second: unknown) => {
      reader.log.debug(`the source failed again while it was being closed: ${messageWithCauses(second)}`)
    })
    throw error
  }
  if (!exhausted) await pages.close()
  await intake.finish(exhausted)
  return exhausted && bookmark !== undefined ? {bookmark} : {}
}

/** Throws for what cannot be kept with a commit. */
export function assertJson(value: JsonValue, what: string): JsonValue {
  const json = jsonText(value)
  if ('text' in json) return value
  throw sourceBug(`the source gave a ${what} that cannot be kept: ${json.problem}`)
}
