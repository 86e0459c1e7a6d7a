import {jsonSchemaOf} from '../../config/options-schema.ts'
import type {Source, SourceDescriptor} from '../../source.ts'

/** What is left of a descriptor when it crosses the wall. */
export interface DescriptorShape {
  readonly apiVersion?: unknown
  readonly name?: unknown
  readonly summary?: unknown
  readonly reads?: unknown
  readonly spawn?: unknown
  /** The type of `load`. */
  readonly load: string
}

/** What the host knows of a source once it is loaded. */
export interface SourceShape {
  readonly name: string
  readonly summary: string
  readonly secrets?: readonly string[]
  readonly selection?: readonly string[]
  readonly narrowing?: readonly string[]
  readonly defaults?: Source['defaults']
  readonly starter?: Source['starter']
  /** JSON Schema of the options, where the source's validator offers one. */
  readonly schema?: unknown
  /** Names of the optional methods that it has. */
  readonly methods: readonly string[]
}

export const OPTIONAL_METHODS = [
  'rateLimit',
  'listKeys',
  'estimate',
  'currentBookmark',
  'canResume',
  'check',
  'explore',
  'needsLogin',
  'login',
] as const satisfies readonly (keyof Source)[]

export function shapeOfDescriptor(answer: unknown): DescriptorShape | null {
  if (typeof answer !== 'object' || answer === null) return null
  const {apiVersion, name, summary, reads, spawn, load} = answer as Readonly<Record<string, unknown>>
  return {
    apiVersion: printable(apiVersion),
    name: printable(name),
    summary: printable(summary),
    reads: printable(reads),
    spawn: printable(spawn),
    load: typeof load,
  }
}

export function shapeOfSource(source: Source): SourceShape {
  const {name, summary, secrets, selection, narrowing, defaults, starter} = source
  const schema = jsonSchemaOf(source)
  return {
    name,
    summary,
    methods: OPTIONAL_METHODS.filter((method) => typeof source[method] === 'function'),
    ...(secrets !== undefined && {secrets}),
    ...(selection !== undefined && {selection}),
    ...(narrowing !== undefined && {narrowing}),
    ...(defaults !== undefined && {defaults}),
    ...(starter !== undefined && {starter: {account: starter.account, job: starter.job}}),
    ...(schema !== undefined && {schema}),
  }
}

/** Says what keeps an object from being the source that its descriptor promised. */
export function whatIsWrongWith(source: unknown, descriptor: Pick<SourceDescriptor, 'name'>): string | undefined {
  if (typeof source !== 'object' || source === null) return 'is no object: load() must resolve to the source itself'
  const shape = source as Readonly<Record<string, unknown>>
  if (shape['apiVersion'] !== 1) return `has apiVersion ${quote(shape['apiVersion'])}, not 1`
  if (shape['name'] !== descriptor.name) return `calls itself ${quote(shape['name'])}`
  const missing = ['streams', 'idemKey', 'extract'].find((method) => typeof shape[method] !== 'function')
  if (missing !== undefined) return `has no ${missing}()`
  const odd = OPTIONAL_METHODS.find((method) => !['function', 'undefined'].includes(typeof shape[method]))
  if (odd !== undefined) return `has ${odd} that is no function`
  if (!isStandardSchema(shape['options'])) return 'has options that are no Standard Schema'
  const list = ['secrets', 'selection', 'narrowing'].find((key) => !isListOfNames(shape[key]))
  return list === undefined ? undefined : `has ${list} that are no list of names`
}

const isStandardSchema = (value: unknown): boolean =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  typeof (value as {'~standard'?: {validate?: unknown}})['~standard']?.validate === 'function'

const isListOfNames = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'))

const quote = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value))

/** Keeps what an error message may quote. */
const printable = (value: unknown): unknown =>
  typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function' ? typeof value : value
