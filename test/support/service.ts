import {spawn} from 'node:child_process'

/** A command that ends with whoever holds the other end of its standard input. */
const UNTIL_PARENT_ENDS =
  'exec 3<&0; "$@" 3<&- & child=$!; { cat <&3; kill -9 "$child"; } >/dev/null 2>&1 & wait "$child"'

/** A program that runs beside the tests and ends with them, whatever ends them. */
export interface Service {
  hasEnded(): boolean
  /** The end of what it said on stderr. */
  complaints(): string
  stop(): Promise<void>
}

export function startService(command: readonly string[], env: NodeJS.ProcessEnv): Service {
  const child = spawn('sh', ['-c', UNTIL_PARENT_ENDS, 'sh', ...command], {env, stdio: ['pipe', 'ignore', 'pipe']})
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints = `${complaints}${chunk.toString()}`.slice(-4000)))
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    hasEnded,
    complaints: () => complaints,
    async stop() {
      if (hasEnded()) return
      const ended = new Promise((done) => child.once('exit', done))
      child.stdin.end()
      await ended
    },
  }
}
