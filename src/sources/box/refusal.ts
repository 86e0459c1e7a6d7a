/** What a box keeps from a source, in Node's word for it. */
export interface Refusal {
  readonly permission: string
  /** The path, or the name of what it wanted, where there is one. */
  readonly resource?: string
}

/** A source met a wall of its box. */
export class RefusedByBox extends Error {
  readonly refusal: Refusal

  constructor(message: string, refusal: Refusal, details?: ErrorOptions) {
    super(message, details)
    this.refusal = refusal
  }
}

const REFUSED: Readonly<Record<string, string>> = {
  FileSystemRead: 'read',
  FileSystemWrite: 'write',
  ChildProcess: 'start a process',
  WorkerThreads: 'start a worker thread',
  Inspector: 'open an inspector',
  WASI: 'use WASI',
  NativeCode: 'load native code',
  BuiltinModule: 'load',
}

/** Tells what the box refused. An error that only repeats what it wraps stands for it. */
export function refusalIn(error: Error): Refusal | undefined {
  const {cause, message} = error
  return ownRefusal(error) ?? (cause instanceof Error && cause.message === message ? ownRefusal(cause) : undefined)
}

function ownRefusal(error: Error): Refusal | undefined {
  const {code, permission, resource} = error as {code?: unknown; permission?: unknown; resource?: unknown}
  if (code === 'ERR_DLOPEN_DISABLED') return {permission: 'NativeCode'}
  if (code === 'ERR_UNKNOWN_BUILTIN_MODULE' && error.message.endsWith(' node:sqlite'))
    return {permission: 'BuiltinModule', resource: 'node:sqlite'}
  if (code !== 'ERR_ACCESS_DENIED') return undefined
  return {
    permission: String(permission),
    ...(typeof resource === 'string' && resource !== '' && {resource}),
  }
}

/** Says it in words that need no knowledge of Node's permissions. */
export function wordsForRefusal({permission, resource}: Refusal): string {
  const what = REFUSED[permission] ?? 'use what it may not'
  return `a source runs in a box, and this one tried to ${what}${resource === undefined ? '' : ` ${resource}`}`
}

export function isRefusal(value: unknown): value is Refusal {
  if (typeof value !== 'object' || value === null) return false
  const {permission, resource} = value as Readonly<Record<string, unknown>>
  return typeof permission === 'string' && (resource === undefined || typeof resource === 'string')
}
