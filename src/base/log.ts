import type {Logger, LogFields} from '../source.ts'

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const MASK = '***'
const CLEAR_LINE = '\r\u001B[K'
// Shorter values would mask ordinary words.
const SHORTEST_SECRET = 4

/** Replaces every secret value that was handed to the run, wherever it turns up in a text. */
export interface Mask {
  readonly add: (secret: string) => void
  readonly apply: (text: string) => string
}

export function createMask(): Mask {
  const secrets = new Set<string>()
  return {
    add(secret) {
      if (secret.length < SHORTEST_SECRET) return
      secrets.add(secret)
      secrets.add(encodeURIComponent(secret))
    },
    apply: (text) => [...secrets].reduce((masked, secret) => masked.replaceAll(secret, MASK), text),
  }
}

/** Logs with winston to stderr, so that stdout holds results alone. */
export async function createLogger(level: LogLevel, mask: Mask): Promise<Logger> {
  const {createLogger: create, format, transports} = await import('winston')
  const overProgress = process.stderr.isTTY ? CLEAR_LINE : ''
  const line = format.printf(({level: name, message, timestamp, fields}) =>
    mask.apply(
      `${overProgress}${String(timestamp)} ${name.padEnd(5)} ${String(message)}${formatFields(fields as LogFields | undefined)}`,
    ),
  )
  const logger = create({
    level,
    format: format.combine(format.timestamp(), line),
    transports: [new transports.Stream({stream: process.stderr})],
  })
  const at = (name: LogLevel) => (message: string, fields?: LogFields) => {
    logger.log({level: name, message, fields})
  }
  return {debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error')}
}

function formatFields(fields: LogFields | undefined): string {
  if (fields === undefined) return ''
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([name, value]) =>
        ` ${name}=${typeof value === 'string' && /\s/.test(value) ? JSON.stringify(value) : String(value)}`,
    )
    .join('')
}
