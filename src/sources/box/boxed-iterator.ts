import {sourceBug} from '../../base/errors.ts'
import {untilAborted} from '../../base/waiting.ts'
import {CLOSING_TIME} from '../source-pages.ts'
import type {Box} from './box.ts'
import type {HostContext} from './hosted-source.ts'

interface Asked<Item, Last> {
  /** Has the source begin, in the context of this number. */
  readonly begin: (id: number) => Promise<unknown>
  readonly next: (id: number) => Promise<IteratorResult<Item, Last>>
  /** Has the source end before it has given all. */
  readonly end: (id: number) => Promise<Last>
}

/** Takes one after the other what a source in the box yields; every wait can be aborted. */
export class BoxedIterator<Item, Last> implements AsyncIterator<Item, Last> {
  readonly #box: Box
  readonly #signal: AbortSignal
  readonly #id: number
  readonly #asked: Asked<Item, Last>
  readonly #begun: Promise<unknown>
  readonly #abort: () => void

  constructor(box: Box, context: HostContext, asked: Asked<Item, Last>) {
    this.#box = box
    this.#signal = context.signal
    this.#asked = asked
    this.#id = box.open(context)
    this.#abort = () => box.tell('abort', this.#id, box.messageOf(this.#signal.reason))
    this.#signal.addEventListener('abort', this.#abort, {once: true})
    this.#begun = asked.begin(this.#id)
    this.#begun.catch(() => undefined)
  }

  async next(): Promise<IteratorResult<Item, Last>> {
    const step = await untilAborted(this.#box.within(this.#id, this.#next()), this.#signal)
    if (step.done === true) this.#end()
    return step
  }

  /** The source's `finally` blocks run, for a while; then its process ends. */
  async return(): Promise<IteratorResult<Item, Last>> {
    const {aborted} = this.#signal
    const seconds = (aborted ? CLOSING_TIME.aborted : CLOSING_TIME.finished) / 1000
    const late = `the source did not end within ${seconds} s of being told to`
    const ended = this.#box.within(this.#id, this.#asked.end(this.#id))
    try {
      if (!aborted) return {done: true, value: await this.#box.withinSeconds(seconds, ended, late)}
      // Somebody waits for the end, so that a busy machine is no excuse.
      const timer = setTimeout(() => this.#box.fail(sourceBug(late)), seconds * 1000)
      return {done: true, value: await ended.finally(() => clearTimeout(timer))}
    } finally {
      this.#end()
    }
  }

  async #next(): Promise<IteratorResult<Item, Last>> {
    await this.#begun
    return this.#asked.next(this.#id)
  }

  #end(): void {
    this.#signal.removeEventListener('abort', this.#abort)
    this.#box.end(this.#id)
  }
}
