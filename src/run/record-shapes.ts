import {failure, type LorchestraError} from '../base/errors.ts'
import type {Event, EventDetails} from '../model/events.ts'
import type {StreamShape} from '../model/record-shape.ts'
import type {SchemaPolicy} from '../model/schema-policy.ts'
import {formatSchemaChange} from '../model/schema-text.ts'
import {StreamSchema, type SchemaChange} from '../model/stream-schema.ts'
import type {Sink} from '../sink/sink.ts'
import type {JsonObject, Stream} from '../source.ts'
import {streamNamed} from '../sources/box/stream-named.ts'
import {changesAsPayload} from '../warehouse/schema-events.ts'
import type {SchemaEvent, StreamState} from '../warehouse/warehouse.ts'
import {assertHoldsNoSecret} from './kept-in-the-log.ts'

export interface StreamChanges {
  readonly stream: Stream
  readonly changes: readonly SchemaChange[]
}

interface RecordShapesOptions {
  readonly job: string
  readonly policy: SchemaPolicy
  readonly sink: Pick<Sink, 'logEvent'>
  /** Every payload of a stream begins with it. */
  readonly about: (objectType: string) => JsonObject
  readonly maskSecrets: (text: string) => string
  readonly event: (details: Omit<EventDetails, 'runId' | 'at'>) => Event
}

interface Known {
  readonly stream: Stream
  readonly schema: StreamSchema
  /** Nothing was known when the run began, so nothing that it reads is a change. */
  readonly initial: boolean
}

const NAMED = {paths: 5, keys: 3}

/** Compares what whole slices look like with what is known of their streams, and logs what is new with them. */
export class RecordShapes {
  readonly #options: RecordShapesOptions
  readonly #known = new Map<string, Known>()
  readonly #changes: StreamChanges[] = []
  #refused: readonly Event[] = []
  #parts = 0

  constructor(options: RecordShapesOptions) {
    this.#options = options
  }

  /** Gives what changed in all slices so far, but for streams of which nothing was known. */
  get changes(): readonly StreamChanges[] {
    return this.#changes
  }

  /** Gives the events that tell, in place of the slice, why it was not stored. */
  get refused(): readonly Event[] {
    return this.#refused
  }

  begin(streams: readonly Stream[], states: readonly StreamState[]): void {
    for (const [index, stream] of streams.entries()) {
      const schema = knownSchema(states[index]?.schema ?? [])
      this.#known.set(stream.objectType, {stream, schema, initial: schema.isEmpty})
    }
  }

  /**
   * Logs what is new in a slice, or a part of one that is stored by itself, before that ends, so that both are stored together.
   * Throws where the job takes nothing new.
   */
  async endPart(shapes: readonly StreamShape[]): Promise<void> {
    this.#parts += 1
    const all = shapes.flatMap((shape) => this.#changesIn(shape))
    const refused = this.#options.policy === 'freeze' ? all.filter(({initial}) => !initial) : []
    if (refused.length > 0) {
      this.#refused = refused.map((one) => this.#event('schema.refused', one))
      throw this.#frozen(refused)
    }
    for (const one of all) {
      await this.#options.sink.logEvent(this.#event('schema.changed', one))
      if (!one.initial) this.#changes.push(one)
    }
  }

  #changesIn(shape: StreamShape): readonly (StreamChanges & Known)[] {
    const streams = [...this.#known.values()].map(({stream}) => stream)
    const known = this.#known.get(streamNamed(shape.objectType, streams).objectType)
    if (known === undefined) return []
    const changes = known.schema.fold(shape)
    assertHoldsNoSecret('a name of a member', changesAsPayload(changes), this.#options.maskSecrets)
    return changes.length === 0 ? [] : [{...known, changes}]
  }

  #event(type: 'schema.changed' | 'schema.refused', {stream, changes, initial}: StreamChanges & Known): Event {
    return this.#options.event({
      type,
      ...stream,
      discriminator: `part ${this.#parts}`,
      payload: {
        schema: 1,
        ...this.#options.about(stream.objectType),
        ...(initial && {initial: true}),
        changes: changesAsPayload(changes),
      },
    })
  }

  #frozen(refused: readonly StreamChanges[]): LorchestraError {
    const {job} = this.#options
    const changes = refused.flatMap((one) => one.changes)
    const more = changes.length - NAMED.paths
    const named = changes.slice(0, NAMED.paths).map(formatSchemaChange).join(', ')
    const keys = [...new Set(changes.flatMap(({example}) => example ?? []))].slice(0, NAMED.keys)
    const seen = keys.length === 0 ? '' : `; seen in ${keys.join(', ')}`
    return failure(
      `the shape of records changed, and ${job} freezes it: ${named}${more > 0 ? ` and ${more} more` : ''}${seen}`,
      {
        code: 'E_SCHEMA_FROZEN',
        next: `Nothing of this slice was written. Where the change is right, accept it and run again: lorchestra schema accept ${job}`,
      },
    )
  }
}

/** Folds what was told before; what was refused is not known. */
export function knownSchema(events: readonly SchemaEvent[]): StreamSchema {
  const schema = new StreamSchema()
  for (const {type, changes} of events)
    if (type !== 'schema.refused') for (const change of changes) schema.learn(change)
  return schema
}
