import {constants} from 'node:zlib'

import {usageError} from '../base/errors.ts'

/**
 * A plan file is this line, the members one behind the other, each compressed for itself, the manifest as JSON, and a last line
 * with the SHA-256 of the manifest and the number of its bytes. So it is written in one go, and read from any place.
 */
export const FIRST_LINE = 'lorchestra plan 1\n'

/** Fast rather than small: mail becomes a fourth of what it was. */
export const COMPRESSION = {params: {[constants.ZSTD_c_compressionLevel]: 1}}

const DIGITS = 16
export const LAST_LINE_BYTES = 64 + 1 + DIGITS + 1

/** A part of the file, as the manifest names it. */
export interface PlanMember {
  /** What it holds: lines of records, one large record, or events. */
  readonly holds: 'records' | 'lone record' | 'events'
  /** The number of bytes in the file. */
  readonly bytes: number
  /** That of these bytes. */
  readonly sha256: string
}

export const lastLine = (sha256: string, manifestBytes: number): string =>
  `${sha256} ${String(manifestBytes).padStart(DIGITS, '0')}\n`

/** `undefined` where it is no such line. */
export function readLastLine(text: string): {readonly sha256: string; readonly manifestBytes: number} | undefined {
  const [, sha256, digits] = /^([0-9a-f]{64}) (\d{16})\n$/.exec(text) ?? []
  return sha256 === undefined ? undefined : {sha256, manifestBytes: Number(digits)}
}

export const damaged = (path: string, what: string): Error =>
  usageError(`${path} is damaged: ${what}`, {
    code: 'E_PLAN_DAMAGED',
    next: 'Nothing was contacted or written. Copy it again from where it was made, or make a new plan.',
  })
