import type {Socket} from 'node:net'

import type {z} from 'zod'

import {sourceBug} from '../../base/errors.ts'
import {pause, untilAborted} from '../../base/waiting.ts'
import type {SpoolableRecord} from '../../model/raw-object-columns.ts'
import {BoxQuestions, type BoxContext, type BoxListeners} from './box-questions.ts'
import {Channel} from './channel.ts'
import {fromBox, KnownErrors, toMessage, type ErrorMessage} from './error-message.ts'
import {reasonOfExit, reasonOfSilence} from './exit-reason.ts'
import {encodeRecords} from './frames.ts'
import type {Grants} from './grants.ts'
import {hearPrintedLines, showPrintedLine} from './printed-lines.ts'
import {startBoxProcess, type BoxProcess} from './process.ts'

/** A box that hears of nothing for this long is in an endless loop; milliseconds. */
const PING_INTERVAL = 5000
const MISSED_PINGS = 12
/** What the box wrote is read to its end, then the reason of its end is known; milliseconds. */
const EXIT_TIME = 1000
const SECOND = 1000

/** A plugin's code in a process of its own. Nothing that it says is trusted. */
export class Box {
  readonly known = new KnownErrors()
  /** Its process is gone, and all that it printed is read. */
  readonly gone: Promise<void>
  readonly #process: BoxProcess
  readonly #channel: Channel
  readonly #questions: BoxQuestions
  #payloadsSent = 0
  #missedPings = 0
  #watch: NodeJS.Timeout | undefined
  #reason: Error | undefined

  constructor(grants: Grants) {
    this.#process = startBoxProcess(grants)
    const {child, channel, output} = this.#process
    this.gone = new Promise((resolve) => child.once('close', () => resolve()))
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    const questions = new BoxQuestions({
      channel: () => this.#channel,
      known: this.known,
      fail: (reason) => this.fail(reason),
      messageOf: (error) => this.messageOf(error),
    })
    this.#questions = questions
    this.#channel = new Channel(channel, {
      call: async (method, args) => questions.answer(method, args),
      tell: (method, args) => questions.hear(method, args),
      records: (body) => questions.receive(body),
      toMessage: (error) => this.messageOf(error),
      fromMessage: (message) => this.errorOf(message),
      pending: () => this.#keepAlive(),
      closed: (broken) => void this.#end(broken, exited),
    })
    for (const each of output) hearPrintedLines(each, (line) => this.#printed(line))
    child.unref()
    this.#keepAlive()
  }

  listen(listeners: BoxListeners): void {
    this.#questions.listeners = listeners
  }

  get alive(): boolean {
    return this.#reason === undefined
  }

  /** Asks the box. Rejects with what the source threw, or why there is no answer. */
  async call<Shape extends z.ZodType>(
    shape: Shape,
    method: string,
    ...args: readonly unknown[]
  ): Promise<z.infer<Shape>> {
    if (this.#questions.misuse !== undefined) throw this.#questions.misuse
    const answer = await this.#channel.call(method, ...args)
    this.#questions.answered()
    const parsed = shape.safeParse(answer)
    if (parsed.success) return parsed.data
    throw this.fail(sourceBug(`the box of the source gave an answer to ${method} that is none`))
  }

  /** Sends payloads, and gives the number by which the box is asked about them. */
  async sendPayloads(payloads: readonly Uint8Array[]): Promise<number> {
    const number = (this.#payloadsSent += 1)
    const records = payloads.map((json) => ({head: '', json}))
    for (const body of encodeRecords(number, records)) await this.#channel.sendRecords(body)
    return number
  }

  tell(method: string, ...args: readonly unknown[]): void {
    this.#channel.tell(method, ...args)
  }

  open(context: BoxContext): number {
    return this.#questions.open(context)
  }

  end(id: number): void {
    this.#questions.end(id)
    this.#channel.tell('end', id)
  }

  /** Takes records of the context until they are fetched with `received`. */
  expect(id: number): void {
    this.#questions.expect(id)
  }

  received(id: number): readonly SpoolableRecord[] {
    return this.#questions.received(id)
  }

  /** Makes the error that the box told of. */
  errorOf(message: ErrorMessage): Error {
    return fromBox(message, (text) => this.#questions.masked(text))
  }

  /** Hides secrets in a text that came out of the box. */
  masked(text: string): string {
    return this.#questions.masked(text)
  }

  /** Makes a message of an error; one that is known here may come back as itself. */
  messageOf(error: unknown): ErrorMessage {
    const known = this.known.numberOf(error)
    return {...toMessage(error), ...(known !== undefined && {known})}
  }

  /** Waits for what was asked in a context. An error of the host that the source let pass comes back as itself. */
  async within<Answer>(context: number, work: Promise<Answer>): Promise<Answer> {
    try {
      return await work
    } catch (error) {
      throw this.known.original(error, context)
    }
  }

  /** Kills the box; all who wait hear why. Returns the reason, to be thrown. */
  fail(reason: Error): Error {
    this.#reason ??= reason
    this.#process.kill()
    this.#channel.fail(this.#reason)
    this.#stopWatching()
    return this.#reason
  }

  /**
   * Waits for work of the box, and fails the box once it has been there for so many seconds without ending it. They are counted
   * by its answers: one that a busy machine does not let run, or that has yet to start, is waited for.
   */
  async withinSeconds<Result>(seconds: number, work: Promise<Result>, reason: string): Promise<Result> {
    const over = new AbortController()
    // It ends with the work, or with the box, and who waits for the work hears why.
    this.#failAfter(seconds, reason, over.signal).catch(() => undefined)
    try {
      return await work
    } finally {
      over.abort()
    }
  }

  /** Ends a box that is not needed any more. */
  close(): void {
    this.fail(new Error('the box was closed'))
  }

  async #failAfter(seconds: number, reason: string, signal: AbortSignal): Promise<void> {
    for (let count = 0; count < seconds; count += 1) {
      await pause(SECOND, signal)
      await untilAborted(this.#channel.call('ping'), signal)
    }
    this.fail(sourceBug(reason))
  }

  #printed(line: string): void {
    const {printed = showPrintedLine} = this.#questions.listeners
    printed(this.#questions.masked(line))
  }

  /** A box that nobody waits for does not keep the program from ending. */
  #keepAlive(): void {
    const {channel, child} = this.#process
    const socket = channel as Socket
    if (this.#channel.pendingCalls > 0) {
      socket.ref()
      child.ref()
      this.#watch ??= setInterval(() => this.#ping(), PING_INTERVAL)
    } else {
      socket.unref()
      child.unref()
      this.#stopWatching()
    }
  }

  #stopWatching(): void {
    clearInterval(this.#watch)
    this.#watch = undefined
    this.#missedPings = 0
  }

  // Counted, not timed: a machine that slept has not been waiting.
  #ping(): void {
    if (this.#missedPings === 0) {
      this.#missedPings = 1
      this.#channel.call('ping').then(
        () => {
          this.#missedPings = 0
        },
        () => undefined,
      )
      return
    }
    this.#missedPings += 1
    if (this.#missedPings <= MISSED_PINGS) return
    this.fail(sourceBug(`the source blocked its process for ${(MISSED_PINGS * PING_INTERVAL) / 1000} s`))
  }

  async #end(broken: Error | undefined, exited: Promise<void>): Promise<void> {
    if (broken !== undefined) {
      this.fail(sourceBug(`the box of the source broke the protocol: ${broken.message}`))
      return
    }
    // This process may have been the slow one: an end that it has yet to hear of comes before what is immediate.
    const late = setTimeout(() => setImmediate(() => this.#process.kill()), EXIT_TIME)
    await exited
    clearTimeout(late)
    const {exitCode, signalCode, killed} = this.#process.child
    this.fail(killed && signalCode === 'SIGKILL' ? reasonOfSilence() : reasonOfExit(exitCode, signalCode))
  }
}
