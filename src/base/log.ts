import type {Logger, LogFields} from '../source.ts'
import type {Mask} from './mask.ts'
import {printable} from './printable.ts'

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const CLEAR_LINE = '\r\u001B[K'
/** Logs with winston to stderr, so that stdout holds results alone. */
export async function createLogger(level: LogLevel, mask: Mask): Promise<Logger> {
  const {createLogger: create, format, transports} = await import('winston')
  const overProgress = process.stderr.isTTY ? CLEAR_LINE : ''
  const line = format.printf(
    ({level: name, message, fields}) =>
      `${overProgress}${formatLogLine({at: new Date(), level: name, message: String(message), fields: fields as LogFields | undefined}, mask)}`,
  )
  const logger = create({
    level,
    format: line,
    transports: [new transports.Stream({stream: process.stderr})],
  })
  const at = (name: LogLevel) => (message: string, fields?: LogFields) => {
    logger.log({level: name, message, fields})
  }
  return {debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error')}
}

interface LogLine {
  readonly at: Date
  readonly level: string
  readonly message: string
  readonly fields?: LogFields | undefined
}

/** Formats `2026-01-31T12:00:00.000Z info  what happened name=value`: one line, secrets masked. */
export const formatLogLine = ({at, level, message, fields}: LogLine, mask: Mask): string =>
  `${at.toISOString()} ${level.padEnd(5)} ${printable(`${mask.apply(message)}${formatFields(fields, mask)}`)}`

function formatFields(fields: LogFields | undefined, mask: Mask): string {
  if (fields === undefined) return ''
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const shown = mask.apply(String(value))
      return ` ${name}=${/\s/.test(shown) ? JSON.stringify(shown) : shown}`
    })
    .join('')
}
