import {sourceBug} from '../../base/errors.ts'
import {untilAborted} from '../../base/waiting.ts'
import {z} from 'zod'
import type {JsonValue, RateLimit, SecretStore, Stream, StreamDefinition} from '../../source.ts'
import type {Box} from './box.ts'
import {BoxedIterator} from './boxed-iterator.ts'
import type {BoxContext} from './box-questions.ts'
import {answers} from './box-messages.ts'
import type {HostContext, HostedSource, KeyedPage, KeyedPageIterator, ReadLimits} from './hosted-source.ts'
import {keyProblem, type KeyOfRecord} from './keyed-record.ts'
import type {Told} from './options-message.ts'
import type {ContextMessage, LimitsMessage} from './messages.ts'
import type {SourceShape} from './source-shape.ts'

interface CheckedOptions {
  readonly id: number
  readonly streams: Told<unknown>
  readonly rateLimit: Told<unknown>
}

/** Gives a source whose code is in the box. */
export function boxedSource(box: Box, shape: SourceShape): HostedSource {
  const {name, summary, secrets, selection, narrowing, defaults, starter, methods} = shape
  const checked = new WeakMap<object, CheckedOptions>()
  let lastOptions = 0
  const checkedOf = (options: unknown): CheckedOptions => {
    const found = typeof options === 'object' && options !== null ? checked.get(options) : undefined
    if (found === undefined) throw new Error(`${name} was asked with options that it has not checked`)
    return found
  }
  const valueOf = (told: Told<unknown>): unknown => {
    if ('error' in told) throw box.errorOf(told.error)
    return told.value
  }
  const has = (method: string): boolean => methods.includes(method)
  const ask =
    (method: string) =>
    async (context: HostContext): Promise<unknown> =>
      withContext(box, context, context.signal, async (id) =>
        box.call(z.unknown(), 'ask', method, contextMessage(id, checkedOf(context.options).id, context)),
      )

  return {
    apiVersion: 1,
    name,
    summary,
    options: {
      '~standard': {
        version: 1,
        vendor: 'lorchestra',
        async validate(input: unknown) {
          const id = (lastOptions += 1)
          const answer = await box.call(answers.validate, 'validate', id, input)
          if ('issues' in answer) return {issues: answer.issues}
          checked.set(answer.values, {
            id,
            streams: answer.streams as Told<unknown>,
            rateLimit: answer.rateLimit as Told<unknown>,
          })
          return {value: answer.values}
        },
        ...(shape.schema !== undefined && {jsonSchema: {input: () => shape.schema}}),
      },
    },
    ...(secrets !== undefined && {secrets}),
    ...(selection !== undefined && {selection}),
    ...(narrowing !== undefined && {narrowing}),
    ...(defaults !== undefined && {defaults}),
    ...(starter !== undefined && {starter}),
    streams: (options) => streamsIn(valueOf(checkedOf(options).streams)),
    ...(has('rateLimit') && {rateLimit: (options: unknown) => rateLimitIn(valueOf(checkedOf(options).rateLimit))}),
    extract: (context, limits) => ({
      [Symbol.asyncIterator]: () => boxedPages(box, context, checkedOf(context.options).id, limits),
    }),
    keysOf: async ({stream, options}, payloads, signal) =>
      untilAborted(boxedKeysOf(box, {stream, options: checkedOf(options).id}, payloads), signal),
    ...(has('listKeys') && {
      listKeys: (context: HostContext) => ({
        [Symbol.asyncIterator]: () => boxedKeys(box, context, checkedOf(context.options).id),
      }),
    }),
    ...(has('estimate') && {estimate: ask('estimate')}),
    ...(has('currentBookmark') && {
      currentBookmark: async (context: HostContext) =>
        ((await ask('currentBookmark')(context)) ?? undefined) as JsonValue | undefined,
    }),
    ...(has('canResume') && {
      canResume: async (context: HostContext) => (await ask('canResume')(context)) !== false,
    }),
    ...(has('check') && {
      check: async (context: HostContext) => ((await ask('check')(context)) ?? undefined) as {identity: string},
    }),
    ...(has('explore') && {explore: ask('explore')}),
    ...(has('needsLogin') && {
      needsLogin: async (account: {readonly options: unknown; readonly secrets: SecretStore}) =>
        withContext(box, account, undefined, async (id) =>
          box.call(z.boolean(), 'needsLogin', null, bareMessage(id, checkedOf(account.options).id)),
        ),
    }),
    ...(has('login') && {
      login: async (context) =>
        withContext(box, context, context.signal, async (id) => {
          await box.call(z.unknown(), 'login', null, bareMessage(id, checkedOf(context.options).id))
        }),
    }),
  }
}

/** Asks within a context that ends with the answer. An abort is told to the source, and ends the wait. */
async function withContext<Answer>(
  box: Box,
  context: BoxContext,
  signal: AbortSignal | undefined,
  use: (id: number) => Promise<Answer>,
): Promise<Answer> {
  const id = box.open(context)
  const abort = (): void => box.tell('abort', id, box.messageOf(signal?.reason))
  signal?.addEventListener('abort', abort, {once: true})
  try {
    signal?.throwIfAborted()
    const answer = box.within(id, use(id))
    return await (signal === undefined ? answer : untilAborted(answer, signal))
  } finally {
    signal?.removeEventListener('abort', abort)
    box.end(id)
  }
}

function boxedPages(box: Box, context: HostContext, options: number, limits: ReadLimits): KeyedPageIterator {
  // Where there is a limit, what lies beyond it is not read.
  const readAhead = limits.records === Infinity
  return new BoxedIterator(box, context, {
    begin: async (id) => box.call(z.unknown(), 'extract', contextMessage(id, options, context), limitsMessage(limits)),
    next: async (id) => nextPage(box, id, readAhead),
    end: async (id) => (await box.call(answers.return, 'return', id)).shapes,
  })
}

const boxedKeys = (box: Box, context: HostContext, options: number): AsyncIterator<readonly string[]> =>
  new BoxedIterator<readonly string[], undefined>(box, context, {
    begin: async (id) => box.call(z.unknown(), 'listKeys', contextMessage(id, options, context)),
    next: async (id) => {
      const keys = await box.call(answers.nextKeys, 'nextKeys', id)
      return keys === null ? {done: true, value: undefined} : {done: false, value: keys}
    },
    end: async (id) => {
      await box.call(answers.return, 'return', id)
      return undefined
    },
  })

async function boxedKeysOf(
  box: Box,
  {stream, options}: {readonly stream: Stream; readonly options: number},
  payloads: readonly Uint8Array[],
): Promise<readonly KeyOfRecord[]> {
  const question = await box.sendPayloads(payloads)
  const keys = await box.call(answers.keys, 'keys', question, {stream, options})
  if (keys.length !== payloads.length)
    throw box.fail(sourceBug('the box of the source gave another number of keys than it was asked for'))
  return keys.map((key) => {
    if ('problem' in key) return {problem: box.masked(key.problem)}
    const problem = keyProblem(key.idemKey, stream)
    if (problem === undefined) return key
    throw box.fail(sourceBug(`the box of the source gave a key that is none: ${problem}`))
  })
}

async function nextPage(box: Box, id: number, readAhead: boolean): ReturnType<KeyedPageIterator['next']> {
  box.expect(id)
  const answer = await box.call(answers.next, 'next', id, readAhead)
  const records = box.received(id)
  if (!('extracted' in answer)) return {done: true, value: answer.shapes}
  const {objectType, extracted, records: count, rejections, deleted, bookmark, checkpoint, shapes} = answer
  if (records.length !== count)
    throw box.fail(sourceBug('the box of the source sent another number of records than it said'))
  const page: KeyedPage = {
    extracted,
    records,
    rejections: rejections.map(({reference, reason}) => ({
      reference: box.masked(reference),
      reason: box.masked(reason),
    })),
    ...(objectType !== undefined && {objectType}),
    ...(deleted !== undefined && {deleted}),
    ...(bookmark !== undefined && {bookmark: bookmark as JsonValue}),
    ...(checkpoint !== undefined && {checkpoint}),
    ...(shapes !== undefined && {shapes}),
  }
  return {done: false, value: page}
}

function contextMessage(context: number, options: number, given: HostContext): ContextMessage {
  const {streams, window, start, bookmark, keys, requestTime, address} = given
  return {
    context,
    options,
    streams,
    until: window.until.toISOString(),
    ...(window.since !== undefined && {since: window.since.toISOString()}),
    ...(start !== undefined && {start: start.toISOString()}),
    ...(bookmark !== undefined && {bookmark}),
    ...(keys !== undefined && {keys}),
    ...(requestTime !== undefined && {requestTime}),
    ...(address !== undefined && {address}),
  }
}

const bareMessage = (context: number, options: number): ContextMessage => ({
  context,
  options,
  streams: [],
  until: new Date().toISOString(),
})

// JSON has no infinity.
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

function limitsMessage({records, inParts, payload}: ReadLimits): LimitsMessage {
  return {
    records: finite(records),
    ...(inParts !== undefined && {inParts}),
    ...(payload !== undefined && {payload: {...payload, levels: finite(payload.levels), bytes: finite(payload.bytes)}}),
  }
}

function streamsIn(value: unknown): readonly StreamDefinition[] {
  const parsed = z
    .array(z.looseObject({objectType: z.string(), misses: z.array(z.string()).optional()}))
    .safeParse(value)
  if (parsed.success) return parsed.data as unknown as readonly StreamDefinition[]
  throw sourceBug('the source names its streams wrongly: no list of streams')
}

function rateLimitIn(value: unknown): RateLimit {
  if (value === null) return {unitsPerMinute: Infinity}
  const parsed = z.object({unitsPerMinute: z.number().positive()}).safeParse(value)
  if (parsed.success) return parsed.data
  throw sourceBug('the source has a rate limit that is no positive number of units per minute')
}
