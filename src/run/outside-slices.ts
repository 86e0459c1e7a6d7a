import {sourceBug} from '../base/errors.ts'
import type {TimeWindow} from '../model/window.ts'
import type {Progress, Stream} from '../source.ts'
import type {HostContext} from '../sources/box/hosted-source.ts'
import {contextBetweenSlices} from './source-context.ts'
import type {SliceReader} from './slice.ts'

export interface OutsideSlices {
  readonly context: HostContext
  /** Throws where the source reported records, also where it swallowed the error that it was told. */
  assertNothingReported(): void
}

/** Lets a source be asked what no record may come of: one that it rejected or counted there would be in no event. */
export function outsideSlices(reader: SliceReader, streams: readonly Stream[], window?: TimeWindow): OutsideSlices {
  let misuse: Error | undefined
  const refuse = (what: string): never => {
    misuse ??= sourceBug(`the source ${what} when it was not asked for records`, {
      rule: 'only `extract` reports records, for what else it is asked belongs to no slice',
    })
    throw misuse
  }
  const context = contextBetweenSlices(reader, streams, window)
  return {
    context: {
      ...context,
      reject: () => refuse('rejected a record'),
      progress: ({waitingUntil, ...counts}: Progress) => {
        if (counts.listed !== undefined || counts.outside !== undefined || counts.gone !== undefined)
          refuse('counted records')
        context.progress({...(waitingUntil !== undefined && {waitingUntil})})
      },
    },
    assertNothingReported() {
      if (misuse !== undefined) throw misuse
    },
  }
}

export async function askOutsideSlices<Answer>(
  {reader, streams, window}: {reader: SliceReader; streams: readonly Stream[]; window?: TimeWindow},
  ask: (context: HostContext) => Promise<Answer>,
): Promise<Answer> {
  const outside = outsideSlices(reader, streams, window)
  const answer = await ask(outside.context)
  outside.assertNothingReported()
  return answer
}
