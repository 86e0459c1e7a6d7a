import {messageWithCauses} from '../base/errors.ts'
import {nameOfStream} from '../model/stream.ts'
import {formatWindow} from '../model/window.ts'
import type {StreamShape} from '../model/record-shape.ts'
import type {JsonValue} from '../source.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import type {KeyedPageIterator} from '../sources/box/hosted-source.ts'
import type {Slice, SliceReader, SliceResult} from './slice.ts'
import {SliceIntake} from './slice-intake.ts'

/** Pulls one slice from the source, page by page, into the sink. */
export async function readSlice(reader: SliceReader, slice: Slice): Promise<SliceResult> {
  const intake = new SliceIntake(reader, slice)
  try {
    return await readPages(reader, slice, intake)
  } finally {
    intake.end()
  }
}

async function readPages(reader: SliceReader, slice: Slice, intake: SliceIntake): Promise<SliceResult> {
  const {source, payloadLimits, log} = reader
  log.debug('reads a slice', {streams: slice.streams.map(nameOfStream).join(), window: formatWindow(slice.window)})
  const limits = {
    records: slice.limit,
    ...(slice.atCheckpoint !== undefined && {inParts: true as const}),
    ...(payloadLimits !== undefined && {payload: payloadLimits}),
  }
  const pages: KeyedPageIterator = sourceAnswer(() => source.extract(intake.context(), limits)[Symbol.asyncIterator]())
  let bookmark: JsonValue | undefined
  let exhausted = false
  let shapes: readonly StreamShape[] = []
  try {
    while (!intake.full) {
      const step = await pages.next()
      if (step.done === true) {
        exhausted = true
        shapes = step.value
        break
      }
      const page = step.value
      await intake.take(page)
      if (page.bookmark === undefined) continue
      if (page.checkpoint === undefined) bookmark = page.bookmark
      else if (slice.atCheckpoint !== undefined) {
        await intake.finish(true)
        await slice.atCheckpoint({bookmark: page.bookmark, shapes: page.shapes ?? []})
      }
    }
  } catch (error) {
    await pages.return?.().catch((second: unknown) => {
      log.debug(`the source failed again while it was being closed: ${messageWithCauses(second)}`)
    })
    throw error
  }
  if (!exhausted) {
    const ended = await pages.return?.()
    if (ended?.done === true) shapes = ended.value
  }
  await intake.finish(exhausted)
  return {shapes, ...(exhausted && bookmark !== undefined && {bookmark})}
}
