import {messageWithCauses} from '../base/errors.ts'
import {ENDED_ITSELF} from '../sources/box/exit-reason.ts'
import {RefusedByBox} from '../sources/box/refusal.ts'

const PLAIN_CODE = 'do it in JavaScript or WebAssembly, in small steps'

const ADVICE: Readonly<Record<string, string>> = {
  FileSystemRead:
    'a box reads the package, its dependencies, and the files that options name: put the file into the package, or take its path as an option and read `context.resolvePath(path)`; where it is one that the machine has for all, see `reads` of the descriptor',
  FileSystemWrite: 'nothing is written: what must last goes into a bookmark or `context.secrets`',
  ChildProcess: `no process is started: ${PLAIN_CODE}, or ask a service that does it; where a process is what the source is about, see \`spawn\` of the descriptor, which each account has to allow`,
  WorkerThreads: `no worker is started: ${PLAIN_CODE}`,
  NativeCode: `no native code is loaded: ${PLAIN_CODE}, or use a package that does`,
  WASI: 'WASI reaches files: use WebAssembly without it',
  Inspector: 'leave it out: whoever debugs the source runs the suite in a debugger',
  BuiltinModule: 'a box has no database: what must last goes into a bookmark or `context.secrets`',
}

/** Says what an author does about what the box refused; nothing where it refused nothing. */
export function adviceFor(problem: Error): string | undefined {
  if (messageWithCauses(problem).includes(ENDED_ITSELF))
    return 'a source never ends its process: where it cannot go on, throw an error that says why'
  const refused = refusedWithin(problem)
  if (refused === undefined) return undefined
  return ADVICE[refused.refusal.permission] ?? 'do without it: docs/box.md has what a source can do'
}

function refusedWithin(error: unknown): RefusedByBox | undefined {
  if (error instanceof RefusedByBox) return error
  return error instanceof Error ? refusedWithin(error.cause) : undefined
}
