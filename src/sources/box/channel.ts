import type {Duplex} from 'node:stream'

import {parseExactly} from '../../base/exact-json.ts'
import {asError} from '../../base/errors.ts'
import type {JsonValue} from '../../source.ts'
import {encodeFrame, FrameReader, textOf, type Frame} from './frames.ts'
import {isErrorMessage, type ErrorMessage} from './error-message.ts'

/** A message asks (`call`), answers (`of`) or only tells (neither). */
type Message =
  | {readonly call: number; readonly method: string; readonly args: readonly unknown[]}
  | {readonly of: number; readonly value?: unknown}
  | {readonly of: number; readonly error: ErrorMessage}
  | {readonly method: string; readonly args: readonly unknown[]}

export interface ChannelHandlers {
  /** Answers what the other side asks. */
  readonly call: (method: string, args: readonly unknown[]) => Promise<unknown>
  readonly tell: (method: string, args: readonly unknown[]) => void
  readonly records: (body: Buffer) => void
  readonly toMessage: (error: unknown) => ErrorMessage
  readonly fromMessage: (message: ErrorMessage) => Error
  /** Called where the number of calls that wait for an answer changes. */
  readonly pending?: () => void
  /** Called once, when nothing more can come: with an error where the other side broke the protocol. */
  readonly closed: (error: Error | undefined) => void
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** Questions, answers and records over one stream, alike on both sides of the wall. */
export class Channel {
  readonly #stream: Duplex
  readonly #handlers: ChannelHandlers
  readonly #pending = new Map<number, Pending>()
  readonly #frames = new FrameReader()
  #last = 0
  #isClosed = false
  /** Why nothing is answered any more; it is known a moment after the end. */
  #failed: Error | undefined

  constructor(stream: Duplex, handlers: ChannelHandlers) {
    this.#stream = stream
    this.#handlers = handlers
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    // `close` follows and says so.
    stream.on('error', () => undefined)
    stream.once('end', () => this.close())
    stream.once('close', () => this.close())
  }

  get pendingCalls(): number {
    return this.#pending.size
  }

  async call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#failed !== undefined) throw this.#failed
    const call = (this.#last += 1)
    return new Promise((resolve, reject) => {
      this.#pending.set(call, {resolve, reject})
      this.#send({call, method, args})
      this.#handlers.pending?.()
    })
  }

  tell(method: string, ...args: readonly unknown[]): void {
    if (!this.#isClosed) this.#send({method, args})
  }

  /** Resolves when the other side has room for more. */
  async sendRecords(body: Buffer): Promise<void> {
    if (this.#write('records', body)) return
    const stream = this.#stream
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        stream.off('drain', goOn).off('close', goOn)
        resolve()
      }
      stream.on('drain', goOn).on('close', goOn)
    })
  }

  /** Takes nothing more; `reason` is how the other side broke the protocol. Who waits, or asks from now on, hears of it by `fail`. */
  close(reason?: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stream.destroy()
    // Where it broke off, within a frame or not, the reason of its end says more.
    this.#handlers.closed(reason)
  }

  /** Gives those who wait for an answer, now or later, the reason why there is none. */
  fail(error: Error): void {
    this.#isClosed = true
    this.#failed = error
    for (const {reject} of this.#pending.values()) reject(error)
    this.#pending.clear()
    this.#stream.destroy()
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) {
        if (this.#isClosed) return
        this.#handle(frame)
      }
    } catch (error) {
      this.close(asError(error))
    }
  }

  #handle({kind, body}: Frame): void {
    if (kind === 'records') {
      this.#handlers.records(body)
      return
    }
    const message = messageIn(body)
    if ('of' in message) this.#settle(message)
    else if ('call' in message) void this.#answer(message.call, message.method, message.args)
    else this.#handlers.tell(message.method, message.args)
  }

  #settle(message: Extract<Message, {of: number}>): void {
    const pending = this.#pending.get(message.of)
    if (pending === undefined) throw new Error('it answered what nobody asked')
    this.#pending.delete(message.of)
    this.#handlers.pending?.()
    if ('error' in message) pending.reject(this.#handlers.fromMessage(message.error))
    else pending.resolve(message.value)
  }

  async #answer(call: number, method: string, args: readonly unknown[]): Promise<void> {
    try {
      const value = await this.#handlers.call(method, args)
      this.#send({of: call, value})
    } catch (error) {
      this.#send({of: call, error: this.#handlers.toMessage(error)})
    }
  }

  #send(message: Message): void {
    this.#write('control', Buffer.from(JSON.stringify(message)))
  }

  #write(kind: 'control' | 'records', body: Buffer): boolean {
    if (this.#stream.destroyed) return true
    const [header, rest] = encodeFrame(kind, body)
    this.#stream.cork()
    this.#stream.write(header)
    const hasRoom = this.#stream.write(rest)
    this.#stream.uncork()
    return hasRoom
  }
}

function messageIn(body: Buffer): Message {
  let message: JsonValue
  try {
    message = parseExactly(textOf(body))
  } catch {
    // What was sent may be payload, and is not quoted.
    throw new Error('it sent a message that is not JSON')
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    throw new Error('it sent a message that is none')
  const {call, of, method, args, error} = message as Readonly<Record<string, unknown>>
  const asks = typeof method === 'string' && Array.isArray(args) && ['number', 'undefined'].includes(typeof call)
  if (typeof of === 'number' ? error === undefined || isErrorMessage(error) : asks) return message as unknown as Message
  throw new Error('it sent a message that is none')
}
