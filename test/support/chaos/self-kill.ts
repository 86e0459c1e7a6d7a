import {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api'

/** Where the process kills itself: at the nth page or SQL statement. */
export interface SelfKill {
  readonly at: 'page' | 'statement' | 'COMMIT' | 'CHECKPOINT' | 'close'
  readonly occurrence: number
  readonly when: 'before' | 'during' | 'after'
  /** Milliseconds into it. */
  readonly during: number
}

export interface KillingItself {
  /** Counts a page; kills where it is the one. */
  readonly page: () => void
  /** So many of each happened so far. */
  readonly seen: Readonly<Record<SelfKill['at'], number>>
}

export interface Observed {
  /** Hears of each before it runs. */
  readonly statement?: (sql: string) => void
  readonly committed?: () => void
  readonly closed?: () => void
}

/** Has this process kill itself at a statement of any DuckDB, or at a page. */
export function killItself(kill: SelfKill | undefined, {statement, committed, closed}: Observed = {}): KillingItself {
  const seen = {page: 0, statement: 0, COMMIT: 0, CHECKPOINT: 0, close: 0}

  /** Returns whether the process is to die while or after this happens. */
  function happens(what: SelfKill['at']): SelfKill['when'] | undefined {
    seen[what] += 1
    if (kill?.at !== what || kill.occurrence !== seen[what]) return undefined
    if (kill.when === 'before') die()
    return kill.when
  }

  for (const method of ['run', 'runAndReadAll'] as const) {
    const original = DuckDBConnection.prototype[method] as (...values: readonly unknown[]) => Promise<unknown>
    const watched = async function (this: DuckDBConnection, ...values: readonly unknown[]): Promise<unknown> {
      const sql = String(values[0]).trim()
      statement?.(sql)
      const fate = happens('statement') ?? (sql === 'COMMIT' || sql === 'CHECKPOINT' ? happens(sql) : undefined)
      const answer = original.apply(this, values as unknown[])
      if (fate === 'during') dieAfter(kill?.during ?? 0)
      const result = await answer
      if (fate === 'after') die()
      if (sql === 'COMMIT') committed?.()
      return result
    }
    Object.defineProperty(DuckDBConnection.prototype, method, {value: watched})
  }
  // oxlint-disable-next-line typescript/unbound-method -- called with its instance below
  const close = DuckDBInstance.prototype.closeSync
  Object.defineProperty(DuckDBInstance.prototype, 'closeSync', {
    value(this: DuckDBInstance) {
      const fate = happens('close')
      close.call(this)
      if (fate !== undefined) die()
      closed?.()
    },
  })
  return {
    seen,
    page: () => {
      if (happens('page') !== undefined) die()
    },
  }
}

const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

function dieAfter(milliseconds: number): void {
  const deadline = performance.now() + milliseconds
  while (performance.now() < deadline);
  die()
}
