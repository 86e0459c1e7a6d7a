import {closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync} from 'node:fs'
import {join} from 'node:path'

import {asError, messageWithCauses} from '../base/errors.ts'
import {formatLogLine, type LogLevel} from '../base/log.ts'
import type {Mask} from '../base/mask.ts'
import {hasCode} from '../base/system-error.ts'
import type {Logger, LogFields} from '../source.ts'
import {fingerprintOf} from '../sources/secrets/secrets-folder.ts'

/** Milliseconds. */
export const KEPT_FOR = 14 * 86_400_000
/** Bytes of one log; its last lines come on top. */
const LARGEST = 1_000_000
/** No more are kept for one lorchestra.yaml. */
const MOST_LOGS = 5000
const ENDING = '.log'
const TIME_IN_ID = /-(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})-[0-9a-f]{8}$/

/** Gives the folder with the logs of runs of this lorchestra.yaml. */
export const runLogFolder = (dataDir: string, configPath: string): string =>
  join(dataDir, 'logs', fingerprintOf(configPath))

export interface RunLog {
  /** Tells whom it told before, and the file. */
  readonly log: Logger
  /** Writes lines to the file alone, and closes it. */
  end(level: LogLevel, lines: readonly string[]): void
}

export interface RunLogOptions {
  readonly folder: string
  readonly runId: string
  readonly mask: Mask
  readonly log: Logger
}

/**
 * Keeps what a run logs, but for what is debugging, in a file of its owner. A log that cannot be kept (a home that cannot be
 * written, a full disk) ends no run.
 */
export function keepRunLog({folder, runId, mask, log}: RunLogOptions): RunLog {
  let file: number | undefined
  let bytes = 0
  const giveUp = (error: unknown): void => {
    if (file !== undefined) closeSync(file)
    file = undefined
    log.debug(`no log of run ${runId} is kept: ${messageWithCauses(asError(error))}`)
  }
  const write = (level: LogLevel, message: string, fields?: LogFields): void => {
    if (file === undefined) return
    const line = `${formatLogLine({at: new Date(), level, message, fields}, mask)}\n`
    bytes += Buffer.byteLength(line)
    try {
      writeSync(file, line)
    } catch (error) {
      giveUp(error)
    }
  }
  try {
    mkdirSync(folder, {recursive: true, mode: 0o700})
    file = openSync(join(folder, `${runId}${ENDING}`), 'wx', 0o600)
  } catch (error) {
    giveUp(error)
  }
  let isFull = false
  const keep = (level: LogLevel, message: string, fields?: LogFields): void => {
    if (isFull) return
    isFull = bytes > LARGEST
    if (isFull) write('warn', 'the log is full; what follows is left out, up to the last lines')
    else write(level, message, fields)
  }
  const at = (level: Exclude<LogLevel, 'debug'>) => (message: string, fields?: LogFields) => {
    log[level](message, fields)
    keep(level, message, fields)
  }
  return {
    log: {
      debug: (message, fields) => log.debug(message, fields),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
    },
    end(level, lines) {
      for (const line of lines) write(level, line)
      if (file !== undefined) closeSync(file)
      file = undefined
    },
  }
}

/** Removes the logs of all lorchestra.yamls that are too old, or too many. What cannot be removed is left. */
export function pruneRunLogs(dataDir: string, now: number, log: Pick<Logger, 'debug'>): void {
  const all = join(dataDir, 'logs')
  try {
    for (const entry of namesIn(all)) {
      const logs = keptLogs(join(all, entry))
      const old = logs.filter(({startedAt}, index) => index >= MOST_LOGS || startedAt < now - KEPT_FOR)
      for (const {path} of old) rmSync(path, {force: true})
    }
  } catch (error) {
    log.debug(`old logs of runs could not be removed: ${messageWithCauses(asError(error))}`)
  }
}

export interface KeptLog {
  readonly runId: string
  readonly path: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

/** Finds the logs in a folder, the newest first. */
export function keptLogs(folder: string): readonly KeptLog[] {
  const logs = namesIn(folder).flatMap((name): readonly KeptLog[] => {
    const runId = name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : ''
    const [, year, month, ...rest] = TIME_IN_ID.exec(runId) ?? []
    if (year === undefined) return []
    const [day, hour, minute, second] = rest
    const startedAt = Date.parse(`${year}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`)
    return [{runId, path: join(folder, name), startedAt}]
  })
  return logs.toSorted((one, other) => other.startedAt - one.startedAt)
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}
