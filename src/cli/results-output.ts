import {Console} from 'node:console'

export interface ResultsOutput {
  /** Writes to stdout. */
  readonly print: (text: string) => void
  /** Lets others write there again. */
  readonly release: () => void
}

/** Keeps stdout for results: whatever a source prints goes to stderr, where it cannot break the document of `--json`. */
export function keepStdoutForResults(): ResultsOutput {
  const {stdout, stderr} = process
  const write = stdout.write.bind(stdout)
  stdout.write = stderr.write.bind(stderr)
  globalThis.console = new Console(stderr, stderr)
  return {
    print: (text) => {
      write(text)
    },
    release: () => {
      stdout.write = write
    },
  }
}
