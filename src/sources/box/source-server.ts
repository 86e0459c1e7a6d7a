import {setImmediate as turn} from 'node:timers/promises'
import {pathToFileURL} from 'node:url'

import {failure} from '../../base/errors.ts'
import {giveMemoryBack, WORTH_GIVING_BACK} from '../../base/spent-memory.ts'
import {headOf} from '../../model/record-head.ts'
import type {PayloadLimits} from '../../model/payload-limits.ts'
import type {JsonValue, LoginContext, Source, SourceContext, SourceDescriptor, Stream} from '../../source.ts'
import type {Channel} from './channel.ts'
import type {ErrorMessage} from './error-message.ts'
import {decodeRecords, encodeRecords} from './frames.ts'
import {assertJson} from './kept-json.ts'
import {recordKeys, type KeyOfRecord} from './keyed-record.ts'
import {KeyedPages} from './keyed-pages.ts'
import {ListedKeys} from './listed-keys.ts'
import type {ContextMessage, EndMessage, HookAnswer, LimitsMessage, PageMessage} from './messages.ts'
import {optionsMessage, type OptionsMessage} from './options-message.ts'
import {keysOfPayloads} from './payload-keys.ts'
import {SourceContexts} from './source-contexts.ts'
import {shapeOfDescriptor, shapeOfSource, whatIsWrongWith, type SourceShape} from './source-shape.ts'

/** Asks the sources of one plugin for the host, in the process where the plugin's code runs. */
export class SourceServer {
  readonly #channel: Channel
  readonly #contexts: SourceContexts
  readonly #descriptors: (SourceDescriptor | null)[] = []
  readonly #options = new Map<number, unknown>()
  /** Payloads that the host will ask about, by the number of its question. */
  readonly #payloads = new Map<number, Uint8Array[]>()
  /** Bytes of records since memory was given back last. */
  #passed = 0
  #source: Source | undefined

  constructor(channel: Channel) {
    this.#channel = channel
    this.#contexts = new SourceContexts(channel)
  }

  /** Answers a question of the host. */
  async answer(method: string, args: readonly unknown[]): Promise<unknown> {
    const [first, second] = args
    switch (method) {
      case 'ping':
        return null
      case 'list':
        return this.#list(first as readonly string[])
      case 'load':
        return this.#load(first as string, second as string)
      case 'validate':
        return this.#validate(first as number, second)
      case 'extract':
        return this.#extract(first as ContextMessage, second as LimitsMessage)
      case 'listKeys':
        return this.#listKeys(first as ContextMessage)
      case 'nextKeys':
        return this.#nextKeys(first as number)
      case 'keys':
        return this.#keys(first as number, second as {stream: Stream; options: number})
      case 'next':
        return this.#next(first as number, second as boolean)
      case 'return':
        return this.#return(first as number)
      case 'ask':
        return this.#ask(first as 'check', second as ContextMessage)
      case 'needsLogin':
        return this.#needsLogin(second as ContextMessage)
      case 'login':
        return this.#login(second as ContextMessage)
      case 'change':
        return this.#contexts.change(first as number, (second as string | null) ?? undefined)
      default:
        throw new Error(`there is no question ${method}`)
    }
  }

  receive(body: Buffer): void {
    const {context: question, records} = decodeRecords(body)
    const payloads = this.#payloads.get(question) ?? []
    this.#payloads.set(question, payloads)
    for (const {json} of records) payloads.push(json)
  }

  /** Hears what the host only tells. */
  hear(method: string, [context, message]: readonly unknown[]): void {
    this.#contexts.hear(method, context as number, message as ErrorMessage | undefined)
  }

  async #list(hooks: readonly string[]): Promise<readonly HookAnswer[]> {
    const answers: HookAnswer[] = []
    for (const path of hooks) {
      const hook = await hookIn(path)
      if (hook === undefined) {
        answers.push({problem: 'no function'})
        continue
      }
      const result: unknown = await hook()
      const offered = Array.isArray(result) ? (result as unknown[]) : [result]
      this.#descriptors.push(...(offered as SourceDescriptor[]))
      answers.push({descriptors: offered.map(shapeOfDescriptor)})
    }
    return answers
  }

  async #load(name: string, folder: string): Promise<SourceShape | {readonly wrong: string}> {
    this.#contexts.folder = folder
    const descriptor = this.#descriptors.find((each) => each?.name === name)
    if (descriptor === undefined || descriptor === null) throw new Error(`the plugin no longer offers ${name}`)
    const source: unknown = await descriptor.load()
    const wrong = whatIsWrongWith(source, descriptor)
    if (wrong !== undefined) return {wrong}
    this.#source = source as Source
    return shapeOfSource(this.#source)
  }

  async #validate(id: number, input: unknown): Promise<OptionsMessage> {
    const source = this.#loaded()
    const result = await source.options['~standard'].validate(input)
    if (result.issues === undefined) this.#options.set(id, result.value)
    return optionsMessage(source, result)
  }

  #extract(message: ContextMessage, limits: LimitsMessage): null {
    const source = this.#loaded()
    const context = this.#context(message)
    const pages = new KeyedPages(source, source.extract(context), context, {
      records: limits.records ?? Infinity,
      ...(limits.inParts !== undefined && {inParts: limits.inParts}),
      ...(limits.payload !== undefined && {payload: payloadLimits(limits.payload)}),
    })
    const open = this.#contexts.get(message.context)
    if (open !== undefined) open.pages = pages
    return null
  }

  async #next(context: number, readAhead: boolean): Promise<PageMessage | EndMessage> {
    const open = this.#contexts.get(context)
    const pages = open?.pages
    if (open === undefined || pages === undefined) throw new Error('nothing is being read')
    const step = await (open.ahead ?? pages.next())
    open.ahead = undefined
    if (step.done === true) {
      if (this.#passed >= WORTH_GIVING_BACK) {
        this.#passed = 0
        // Not before the answer is on its way.
        setImmediate(giveMemoryBack)
      }
      return {shapes: step.value}
    }
    const {objectType, extracted, records, rejections, deleted, bookmark, checkpoint, shapes} = step.value
    const framed = records.map((record) => ({head: headOf(record), json: record.json}))
    for (const body of encodeRecords(context, framed)) {
      this.#passed += body.length
      await this.#channel.sendRecords(body)
    }
    // What is reported after a checkpoint belongs to what comes after it.
    if (readAhead && checkpoint === undefined) {
      // Not before the records and the answer are on their way: what a source does at once would hold them up.
      open.ahead = turn().then(async () => pages.next())
      // Whoever asks for it hears of it.
      open.ahead.catch(() => undefined)
    }
    return {
      extracted,
      records: records.length,
      rejections,
      ...(objectType !== undefined && {objectType}),
      ...(deleted !== undefined && {deleted}),
      ...(bookmark !== undefined && {bookmark}),
      ...(checkpoint !== undefined && {checkpoint}),
      ...(shapes !== undefined && {shapes}),
    }
  }

  #listKeys(message: ContextMessage): null {
    const context = this.#context(message)
    const keys = new ListedKeys(this.#loaded().listKeys?.(context), context.signal)
    const open = this.#contexts.get(message.context)
    if (open !== undefined) open.keys = keys
    return null
  }

  async #nextKeys(context: number): Promise<readonly string[] | null> {
    const step = await this.#contexts.get(context)?.keys?.next()
    return step?.value ?? null
  }

  #keys(
    question: number,
    {stream, options}: {readonly stream: Stream; readonly options: number},
  ): readonly KeyOfRecord[] {
    const payloads = this.#payloads.get(question) ?? []
    this.#payloads.delete(question)
    return keysOfPayloads(recordKeys(this.#loaded(), this.#options.get(options)), stream, payloads)
  }

  async #return(context: number): Promise<EndMessage> {
    const open = this.#contexts.get(context)
    const ended = await open?.pages?.return()
    if (ended?.done === true) return {shapes: ended.value}
    await open?.keys?.return()
    return {shapes: []}
  }

  async #ask(
    method: 'check' | 'currentBookmark' | 'canResume' | 'estimate' | 'explore',
    message: ContextMessage,
  ): Promise<JsonValue> {
    const source = this.#loaded()
    const answer: unknown = await source[method]?.(this.#context(message))
    return answer === undefined ? null : assertJson(answer as JsonValue, `answer to ${method}`)
  }

  async #needsLogin(message: ContextMessage): Promise<boolean> {
    const {options, secrets} = this.#context(message)
    return (await this.#loaded().needsLogin?.({options, secrets})) === true
  }

  async #login(message: ContextMessage): Promise<null> {
    const {options, http, secrets, log, signal} = this.#context(message)
    const {context} = message
    const login: LoginContext<unknown> = {
      options,
      http,
      secrets,
      log,
      signal,
      tell: (text: unknown) => this.#channel.tell('loginTell', context, String(text)),
      open: async (url) => {
        await this.#channel.call('loginOpen', context, String(url))
      },
    }
    await this.#loaded().login?.(login)
    return null
  }

  #context(message: ContextMessage): SourceContext<unknown> {
    const options = this.#options.get(message.options)
    this.#contexts.traffic.limitTo(this.#source?.rateLimit?.(options).unitsPerMinute ?? Infinity)
    return this.#contexts.create(message, options)
  }

  #loaded(): Source {
    if (this.#source === undefined) throw failure('no source is loaded', {code: 'E_UNEXPECTED'})
    return this.#source
  }
}

async function hookIn(path: string): Promise<(() => unknown) | undefined> {
  const loaded = (await import(pathToFileURL(path).href)) as {default?: unknown}
  const {default: exported} = loaded
  const inner = typeof exported === 'object' && exported !== null && 'default' in exported ? exported.default : exported
  return typeof inner === 'function' ? (inner as () => unknown) : undefined
}

const payloadLimits = ({levels, bytes, wideNumbers}: NonNullable<LimitsMessage['payload']>): PayloadLimits => ({
  levels: levels ?? Infinity,
  bytes: bytes ?? Infinity,
  wideNumbers,
})
