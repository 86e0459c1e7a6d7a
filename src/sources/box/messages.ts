import type {StreamShape} from '../../model/record-shape.ts'
import type {JsonValue, Stream} from '../../source.ts'
import type {DescriptorShape} from './source-shape.ts'

/** What the host says of a call of the source. */
export interface ContextMessage {
  readonly context: number
  /** Number of the options that the source validated. */
  readonly options: number
  readonly streams: readonly Stream[]
  readonly since?: string
  readonly until: string
  readonly start?: string
  readonly bookmark?: JsonValue
  readonly keys?: readonly string[]
  readonly requestTime?: number
  readonly address?: string
}

export interface LimitsMessage {
  /** `null`: as many as there are. */
  readonly records: number | null
  readonly inParts?: true
  readonly payload?: {readonly levels: number | null; readonly bytes: number | null; readonly wideNumbers: boolean}
}

/** The answer to `next` where there is no page any more, and to `return`. */
export interface EndMessage {
  readonly shapes: readonly StreamShape[]
}

/** The answer to `next`, after the frames with its records. */
export interface PageMessage {
  readonly objectType?: string
  readonly extracted: number
  readonly records: number
  readonly rejections: readonly {readonly reference: string; readonly reason: string}[]
  readonly deleted?: readonly string[]
  readonly bookmark?: JsonValue
  readonly checkpoint?: true
  readonly shapes?: readonly StreamShape[]
}

export type HookAnswer = {readonly descriptors: readonly (DescriptorShape | null)[]} | {readonly problem: 'no function'}
