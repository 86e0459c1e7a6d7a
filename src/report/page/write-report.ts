import {open} from 'node:fs/promises'

import {failure, messageWithCauses, usageError} from '../../base/errors.ts'
import {writePrivateFile} from '../../base/private-file.ts'
import {hasCode} from '../../base/system-error.ts'
import type {ReportDocument} from '../documents/report.ts'
import {FIRST_LINE, pageOf} from './page.ts'

/** Writes the page of a report for its owner alone. It replaces an earlier page, and no other file. */
export async function writeReport(report: ReportDocument, maskSecrets: (text: string) => string): Promise<void> {
  const path = report.file
  const page = pageOf(maskedReport(report, maskSecrets))
  await assertNoOtherFile(path)
  try {
    await writePrivateFile(path, page)
  } catch (error) {
    throw notWritten(path, error)
  }
}

/** Texts are masked before any of them is cut or joined with others. */
const maskedReport = (report: ReportDocument, maskSecrets: (text: string) => string): ReportDocument =>
  JSON.parse(
    JSON.stringify(report, (_, value: unknown) => (typeof value === 'string' ? maskSecrets(value) : value)),
  ) as ReportDocument

/** Throws a usage error where the file is none that a report wrote; told before anything is read, too. */
export async function assertNoOtherFile(path: string): Promise<void> {
  const start = await beginningOf(path)
  if (start === undefined || start === FIRST_LINE) return
  throw usageError(`${path} is no page that lorchestra report wrote; nothing was written`, {
    code: 'E_FILE_EXISTS',
    next: 'Name another file with --out, or move that one away first.',
  })
}

async function beginningOf(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, 'r')
    try {
      const {buffer, bytesRead} = await file.read(Buffer.alloc(FIRST_LINE.length), 0, FIRST_LINE.length, 0)
      return buffer.toString('latin1', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw notWritten(path, error)
  }
}

const notWritten = (path: string, error: unknown): Error =>
  failure(`${path} was not written: ${messageWithCauses(error)}`, {
    code: 'E_FILE_NOT_WRITTEN',
    next: 'Name a file in a folder that can be written to: --out FILE.',
    cause: error,
  })
