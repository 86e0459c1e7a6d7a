const RealDate = Date
let shift = 0

const now = (): number => RealDate.now() + shift

/** What was a date before is one afterwards, and the other way round. */
const ShiftedDate = new Proxy(RealDate, {
  construct: (target, args: readonly unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
})

/** Has the clock of this process differ from the machine's by so many milliseconds; waits take as long as ever. */
export function shiftClock(milliseconds: number): void {
  shift = milliseconds
  globalThis.Date = milliseconds === 0 ? RealDate : ShiftedDate
}

/** It is loaded before all else in a process whose clock is to be wrong. */
export const CLOCK_SHIFT = 'TEST_CLOCK_SHIFT'

const wanted = process.env[CLOCK_SHIFT]
if (wanted !== undefined) shiftClock(Number(wanted))
