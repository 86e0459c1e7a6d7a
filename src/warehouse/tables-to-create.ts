export interface TablesToCreate {
  /** Events are removed from the log so many milliseconds after their day. @default as it is; never from a new log */
  readonly logRetention?: number
}

export interface AddedColumns {
  readonly table: string
  readonly columns: readonly string[]
}
