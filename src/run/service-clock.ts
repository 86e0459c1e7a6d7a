import {failure} from '../base/errors.ts'
import type {Slice} from './slice.ts'

/** Knows what time it was at the service of a source when a slice began, as far as its answers tell. */
export class ServiceClock {
  #earliest = Infinity

  hear(time: Date | undefined): void {
    if (time !== undefined) this.#earliest = Math.min(this.#earliest, time.getTime())
  }

  /** Throws where the window ends in the service's future: what comes until then would count as read, and no later run would look for it. */
  assertIsAsFar({window, mostAhead = Infinity}: Pick<Slice, 'window' | 'mostAhead'>): void {
    if (window.until - this.#earliest <= mostAhead) return
    const [until, now] = [window.until, this.#earliest].map((time) => new Date(time).toISOString())
    throw failure(`the slice ends at ${until}, and the service says that it is ${now}`, {
      code: 'E_CLOCK_WRONG',
      next: 'Set the clock of this machine and run the same command again. Nothing of the slice was written.',
    })
  }
}
