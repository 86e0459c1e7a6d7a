import * as z from 'zod'

import {messageWithCauses} from '../base/errors.ts'
import {formatDuration, parseDuration} from '../base/time.ts'
import {parseInstant} from '../base/time.ts'
import {CAPABILITIES} from '../model/capability.ts'
import {segmentsOf} from '../model/hidden-paths.ts'
import {NAME, NAME_RULE} from '../model/name.ts'
import {SCHEMA_POLICIES, type SchemaPolicy} from '../model/schema-policy.ts'
import type {SourceDefaults} from '../source.ts'
import {textSetting} from './text-setting.ts'

export type Place = 'account' | 'job'

/** A setting is a key of an account or a job that lorchestra reads itself. What it is stands here and nowhere else. */
export interface Setting {
  /** The places where the key may stand. A setting without a place is the source's alone. */
  readonly in: {readonly [place in Place]?: 'required' | 'optional'}
  /** A sentence for whoever writes the file; it ends in a full stop. */
  readonly description: string
  /** The schema of what may be written. Text may hold variables where the value is not needed to load the file. */
  readonly schema: z.ZodType
  /** Writes a value for the starter file, in an account or a job of this source and account. */
  readonly example: (owner: ExampleOwner) => string | number | readonly string[]
  /** The value that holds where the key is left out. @default nothing: whoever writes the file has to think of it */
  readonly default?: Default
  /** The message for a job that has an account and this key. @default it may have both */
  readonly refusedBesideAccount?: string
}

/** A default is a value, or the meaning of its absence; a source may have its own. */
export type Default = {
  /** The member of the source's defaults that comes first. @default none */
  readonly source?: keyof SourceDefaults
} & ({readonly value: string | number} | {readonly means: string})

export interface ExampleOwner {
  readonly source: string
  readonly account: string
}

/** A reading setting says how a job reads. A run resolves its variables, reads it, and goes by it. */
export interface ReadingSetting<Value> extends Setting {
  readonly default: Default
  /** Takes what the schema let pass; throws where it means nothing after all. */
  read(written: string | number): Value
  /** Turns what was read into what could be written. */
  format(value: Value): string | number
}

const REJECTS_RULE = 'expected a whole number, 0 or more'

export const nameSchema = z.string().regex(NAME, NAME_RULE)

export const defaultSourceSystem = (source: string, account?: string): string =>
  account === undefined ? source : `${source}--${account}`

const NAMING = {
  source: {
    in: {account: 'required', job: 'optional'},
    description: 'The source that reads, one of `lorchestra sources list`; in a job only where it needs no account.',
    schema: nameSchema,
    example: ({source}) => source,
    refusedBesideAccount: 'the account says which source it is; leave one of them out',
  },
  account: {
    in: {job: 'optional'},
    description: 'The account whose records the job reads; `--account` swaps it for another one of the same source.',
    schema: nameSchema,
    example: ({account}) => account,
  },
  source_system: {
    in: {account: 'optional', job: 'optional'},
    description: "The system in every record's key, for keys that another tool wrote.",
    schema: nameSchema,
    example: ({source, account}) => defaultSourceSystem(source, account),
    default: {means: '`<source>--<account>`, or `<source>` alone'},
    refusedBesideAccount: "belongs in the job's account",
  },
} as const satisfies Readonly<Record<string, Setting>>

/** Those of the account and of the job hold together. */
const SHOWING = {
  mask: {
    in: {account: 'optional', job: 'optional'},
    description:
      'Parts of a record that its samples never show: JSON pointers (RFC 6901) into it, in which * is any member or element. Those of account and job count together; the key of the record is shown.',
    schema: z.array(z.string()).superRefine((paths, context) => {
      for (const path of paths) {
        try {
          segmentsOf(path)
        } catch (error) {
          context.addIssue({code: 'custom', message: messageWithCauses(error)})
        }
      }
    }),
    example: () => ['/name', '/emails/*/address'],
    default: {means: 'nothing is hidden'},
  },
} as const satisfies Readonly<Record<string, Setting>>

/** A source's box is its account's. */
const ALLOWING = {
  allow: {
    in: {account: 'optional', job: 'optional'},
    description:
      'What the source may do outside of its box, where it asks for it: `spawn`, to start processes, which can write anywhere as you, in every mode.',
    schema: z.array(z.enum(CAPABILITIES)),
    example: () => ['spawn'],
    default: {means: 'nothing'},
    refusedBesideAccount: "belongs in the job's account",
  },
} as const satisfies Readonly<Record<string, Setting>>

/** These settings are rows of `jobs show` and go to the run, in this order. */
export const READING = {
  start: {
    in: {job: 'optional'},
    description: 'The date or date-time from which records are read.',
    schema: textSetting(parseInstant),
    example: () => '2024-01-01',
    default: {means: 'the first record'},
    read: parseStart,
    format: (start: Date) => start.toISOString(),
  },
  overlap: {
    in: {job: 'optional'},
    description:
      'How far a run reads back, for records that turned up late; ten minutes more, for clocks that were ahead.',
    schema: textSetting(parseDuration),
    example: () => '1d',
    default: {source: 'overlap', value: '0s'},
    read: parseDuration,
    format: formatDuration,
  },
  slice: {
    in: {job: 'optional'},
    description:
      'The most time that is read at once; where the source says how much, quiet times are read in longer parts.',
    schema: textSetting(parseSlice),
    example: () => '30d',
    default: {source: 'slice', means: 'all at once'},
    read: parseSlice,
    format: formatDuration,
  },
  sweep: {
    in: {job: 'optional'},
    description:
      'How often a plain run lists all keys that exist and reads the records that are not stored, as no window found them.',
    schema: textSetting(parseSweep),
    example: () => '7d',
    default: {means: 'never'},
    read: parseSweep,
    format: formatDuration,
  },
  settle: {
    in: {},
    description: 'How long the source takes to show a new record; a run reads no further than that before now.',
    schema: textSetting(parseDuration),
    example: () => '5m',
    default: {source: 'settle', value: '0s'},
    read: parseDuration,
    format: formatDuration,
  },
  schema: {
    in: {job: 'optional'},
    description:
      'What a run does about records of a shape that its stream did not have before: `evolve` stores them and says so, `warn` also notifies, `freeze` fails before it stores them.',
    schema: z.enum(SCHEMA_POLICIES),
    example: () => 'warn',
    default: {value: 'evolve'},
    read: (policy: string | number) => z.enum(SCHEMA_POLICIES).parse(policy),
    format: (policy: SchemaPolicy) => policy,
  },
  max_rejects: {
    in: {job: 'optional'},
    description: 'A run with more unreadable records than this fails.',
    schema: z.union([z.int(REJECTS_RULE).min(0, REJECTS_RULE), textSetting(parseRejectLimit)], REJECTS_RULE),
    example: () => 100,
    default: {value: 100},
    read: parseRejectLimit,
    format: (limit: number) => limit,
  },
} as const satisfies Readonly<Record<string, ReadingSetting<unknown>>>

const SETTINGS = {...NAMING, ...READING, ...SHOWING, ...ALLOWING}
type Settings = typeof SETTINGS
type SettingKey = keyof Settings

/** These settings may stand in an account, or in a job, by their keys. */
export const settingsIn = (place: Place): readonly (readonly [key: string, setting: Setting])[] =>
  Object.entries<Setting>(SETTINGS).filter(([, setting]) => place in setting.in)

const keysIn = (place: Place): readonly string[] => settingsIn(place).map(([key]) => key)

/** These keys of accounts and jobs lorchestra reads itself; a source may not use them. */
export const HOST_KEYS: readonly string[] = [...new Set([...keysIn('account'), ...keysIn('job')])]

export const JOB_ONLY_KEYS: readonly string[] = HOST_KEYS.filter((key) => !keysIn('account').includes(key))

type ShapeIn<Where extends Place> = {
  readonly [Key in SettingKey as Where extends keyof Settings[Key]['in'] ? Key : never]: Settings[Key]['in'] extends {
    readonly [place in Where]: 'required'
  }
    ? Settings[Key]['schema']
    : z.ZodOptional<Settings[Key]['schema']>
}

/** Makes the members of a schema for an account or a job, with all that editors show of them. */
export const shapeIn = <Where extends Place>(place: Where): ShapeIn<Where> =>
  Object.fromEntries(
    settingsIn(place).map(([key, setting]) => [key, describedSchema(setting, place)]),
  ) as ShapeIn<Where>

function describedSchema({in: places, schema, description, example, default: otherwise}: Setting, place: Place) {
  return (places[place] === 'required' ? schema : schema.optional()).meta({
    description,
    ...(otherwise !== undefined && describedDefault(description, otherwise)),
    examples: [example({source: 'notes', account: 'acct1'})],
  })
}

/** A default that depends on something is told in words, because an editor would take it for the value. */
function describedDefault(description: string, otherwise: Default): {description?: string; default?: unknown} {
  if ('value' in otherwise && otherwise.source === undefined) return {default: otherwise.value}
  const words = otherwise.source === undefined ? '' : "the source's, else "
  return {description: `${description} Left out: ${words}${ownDefault(otherwise)}.`}
}

const ownDefault = (otherwise: Default): string | number => ('value' in otherwise ? otherwise.value : otherwise.means)

/** Tells what holds where the key is left out and this source reads. */
export function leftOut(otherwise: Default, defaults: SourceDefaults = {}): string | number {
  const value = otherwise.source === undefined ? undefined : defaults[otherwise.source]
  return value === undefined ? ownDefault(otherwise) : `${value} (the source's default)`
}

function parseStart(text: string): Date {
  const {date} = parseInstant(text)
  if (date.getTime() <= Date.now()) return date
  throw new RangeError(`${JSON.stringify(text)} lies in the future, so nothing would be read`)
}

function parseSweep(text: string): number {
  const interval = parseDuration(text)
  if (interval > 0) return interval
  throw new RangeError('between two sweeps there must be more than nothing')
}

function parseSlice(text: string): number {
  const length = parseDuration(text)
  if (length > 0) return length
  throw new RangeError('a slice must be longer than nothing')
}

function parseRejectLimit(value: string | number): number {
  const limit = typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (Number.isSafeInteger(limit) && limit >= 0) return limit
  throw new RangeError(`${JSON.stringify(value)} is not a whole number, 0 or more`)
}
