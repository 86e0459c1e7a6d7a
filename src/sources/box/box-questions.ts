import type {z} from 'zod'

import {asError, sourceBug} from '../../base/errors.ts'
import type {Mask} from '../../base/mask.ts'
import type {SpoolableRecord} from '../../model/raw-object-columns.ts'
import type {Logger, SecretStore} from '../../source.ts'
import {asked, told} from './box-messages.ts'
import type {Channel} from './channel.ts'
import {fromBox, type ErrorMessage, type KnownErrors} from './error-message.ts'
import {recordOf} from '../../model/record-head.ts'
import {decodeRecords} from './frames.ts'
import type {HostContext, HostLoginContext} from './hosted-source.ts'
import {lateReport} from './late-report.ts'

/** Between two answers a source has much less to tell. */
const MOST_TOLD = 200_000
const MOST_PAGE_RECORDS = 10_000

/** Who hears what the box says of itself. */
export interface BoxListeners {
  readonly log?: Logger
  readonly mask?: Mask
  /** Gets what the source prints, line by line; otherwise it is shown on stderr. */
  readonly printed?: (line: string) => void
}

/** Whose calls a box answers: a slice, a question before it, or a login. */
export type BoxContext = Partial<HostContext & HostLoginContext> & Pick<HostContext, 'secrets' | 'options'>

/** The part of a box that ends it, and that sends. */
interface Boxed {
  readonly channel: () => Pick<Channel, 'call' | 'tell'>
  readonly known: KnownErrors
  readonly fail: (reason: Error) => Error
  readonly messageOf: (error: unknown) => ErrorMessage
}

/** Answers what a box asks, hears what it tells, and takes the records that it sends. */
export class BoxQuestions {
  listeners: BoxListeners = {}
  readonly #box: Boxed
  readonly #contexts = new Map<number, BoxContext>()
  readonly #incoming = new Map<number, SpoolableRecord[]>()
  #last = 0
  #told = 0
  #misuse: Error | undefined
  /** The store of the one account that a box is for, as the last context gave it. */
  #secrets: SecretStore | undefined

  constructor(box: Boxed) {
    this.#box = box
  }

  /** What the source did wrong when no slice was there to fail. */
  get misuse(): Error | undefined {
    return this.#misuse
  }

  /** Hides secrets in a text that came out of the box, before it is cut or joined. */
  masked(text: string): string {
    return this.listeners.mask?.apply(text) ?? text
  }

  answered(): void {
    this.#told = 0
  }

  open(context: BoxContext): number {
    this.#last += 1
    this.#contexts.set(this.#last, context)
    this.#secrets = context.secrets
    return this.#last
  }

  end(id: number): void {
    this.#contexts.delete(id)
    this.#box.known.end(id)
    this.#incoming.delete(id)
  }

  /** Takes records of the context until they are fetched with `received`. */
  expect(id: number): void {
    this.#incoming.set(id, [])
  }

  received(id: number): readonly SpoolableRecord[] {
    const records = this.#incoming.get(id) ?? []
    this.#incoming.delete(id)
    return records
  }

  receive(body: Buffer): void {
    const {context, records} = decodeRecords(body)
    const incoming = this.#incoming.get(context)
    if (incoming === undefined) throw new Error('it sent records that nobody asked for')
    if (incoming.length + records.length > MOST_PAGE_RECORDS) throw new Error('it sent more records than a page holds')
    for (const {head, json} of records) incoming.push(recordOf(head, json))
  }

  /** Answers what the box asks. An error of the host may come back within what the source was asked. */
  async answer(method: string, args: readonly unknown[]): Promise<unknown> {
    try {
      return await this.#answer(method, args)
    } catch (error) {
      const [context] = args
      // Secrets are the account's, whichever of its slices asks.
      const heard = [...this.#contexts.keys()].filter((id) => typeof context !== 'number' || id === context)
      this.#box.known.add(asError(error), heard)
      throw error
    }
  }

  async #answer(method: string, args: readonly unknown[]): Promise<unknown> {
    switch (method) {
      case 'known':
      case 'stored': {
        const [id, keys] = this.#parse(asked[method], args)
        const found = await this.#context(id)[method]?.(keys as readonly string[])
        return [...(found ?? [])]
      }
      case 'secretGet': {
        const [name] = this.#parse(asked.secretGet, args)
        return this.#store().get(name)
      }
      case 'secretUpdate': {
        const [name, change] = this.#parse(asked.secretUpdate, args)
        return this.#store().update(name, async (current) => this.#changed(change, current))
      }
      case 'loginOpen': {
        const [id, url] = this.#parse(asked.loginOpen, args)
        return this.#context(id).open?.(new URL(url))
      }
      default:
        throw this.#box.fail(sourceBug('the box of the source asked for what there is not'))
    }
  }

  hear(method: string, args: readonly unknown[]): void {
    this.#told += 1
    if (this.#told > MOST_TOLD) throw new Error('it floods its host')
    if (!Object.hasOwn(told, method)) throw new Error('it told what there is not')
    const {mask, log} = this.listeners
    switch (method as keyof typeof told) {
      case 'mask':
        mask?.add(this.#parse(told.mask, args)[0])
        break
      case 'log': {
        const [id, level, text, fields] = this.#parse(told.log, args)
        const ofContext = this.#contexts.get(id)?.log ?? log
        ofContext?.[level](this.masked(text), fields ?? undefined)
        break
      }
      case 'progress': {
        const [id, {waitingUntil, ...counts}] = this.#parse(told.progress, args)
        const update = {...counts, ...(waitingUntil !== undefined && {waitingUntil: new Date(waitingUntil)})}
        this.#report(id, (context) => context.progress?.(update as Parameters<HostContext['progress']>[0]))
        break
      }
      case 'reject': {
        const [id, reference, reason, objectType] = this.#parse(told.reject, args)
        this.#report(id, (context) =>
          context.reject?.(this.masked(reference), this.masked(reason), objectType ?? undefined),
        )
        break
      }
      case 'observe': {
        const [id, {waitingUntil, units, serverTime}] = this.#parse(told.observe, args)
        this.#contexts.get(id)?.observe?.({
          ...(units !== undefined && {units}),
          ...(serverTime !== undefined && {serverTime: new Date(serverTime)}),
          ...(waitingUntil !== undefined && {waitingUntil: new Date(waitingUntil)}),
        })
        break
      }
      case 'uncaught': {
        const [message] = this.#parse(told.uncaught, args)
        const cause = fromBox(message, (text) => this.masked(text))
        this.#box.fail(sourceBug(`the source failed behind the back of its run: ${cause.message}`, {cause}))
        break
      }
      case 'late':
        this.#late()
        break
      case 'idle':
        this.#box.fail(sourceBug('the source waits for something that can no longer happen'))
        break
      case 'loginTell': {
        const [id, text] = this.#parse(told.loginTell, args)
        this.#contexts.get(id)?.tell?.(text)
        break
      }
    }
  }

  async #changed(change: number, current: string | undefined): Promise<string | undefined> {
    const answer = await this.#box.channel().call('change', change, current ?? null)
    if (typeof answer !== 'object' || answer === null) return null as never
    if ('same' in answer) return undefined
    // The store says what is wrong with anything but a text.
    return ('text' in answer ? answer.text : null) as string
  }

  /** What the source does wrong is told to it as well, and to all that it reports afterwards. */
  #report(id: number, report: (context: BoxContext) => void): void {
    const context = this.#contexts.get(id)
    if (context === undefined) {
      this.#late()
      return
    }
    try {
      report(context)
    } catch (error) {
      this.#box.known.add(asError(error), [id])
      this.#box.channel().tell('failed', id, this.#box.messageOf(error))
    }
  }

  #late(): void {
    this.#misuse ??= lateReport()
    this.listeners.log?.error(this.#misuse.message)
  }

  #context(id: number): BoxContext {
    const context = this.#contexts.get(id)
    if (context !== undefined) return context
    throw sourceBug('the source asked for something after its slice had ended')
  }

  #store(): SecretStore {
    if (this.#secrets !== undefined) return this.#secrets
    throw sourceBug('the source asked for a secret before it was asked anything itself')
  }

  #parse<Shape extends z.ZodType>(shape: Shape, args: readonly unknown[]): z.infer<Shape> {
    const parsed = shape.safeParse(args)
    if (parsed.success) return parsed.data
    throw this.#box.fail(sourceBug('the box of the source said something that it may not say'))
  }
}
