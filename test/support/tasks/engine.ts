import type {Kills} from './kills.ts'

/** One process that an engine started for a task, and how it ended. */
export interface Attempt {
  readonly task: number
  /** Counted from 1. */
  readonly attempt: number
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
}

export interface TaskWork {
  readonly tasks: number
  /** Of the run, without `--task`. */
  readonly args: readonly string[]
  /** Contents of lorchestra.yaml, which names no warehouse. */
  readonly yaml: string
  /** Contents of the file that variables come from. */
  readonly env: string
  /** The source plugin that the jobs read. */
  readonly plugin: string
  readonly seed: number
  readonly kills: Kills
  /** Called with what the engine itself says, a line at a time. */
  readonly tell: (line: string) => void
  /** Called as each attempt ends. */
  readonly onAttempt: (attempt: Attempt) => void
}

export interface TaskEngine {
  /** Starts a task again until an attempt of it ends with 0, and gives the DuckDB file that they all wrote. */
  runTasks(work: TaskWork): Promise<{readonly database: string}>
  stop(): Promise<void>
}
