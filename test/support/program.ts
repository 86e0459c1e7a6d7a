import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

/** The command, as it was built. */
export const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** All of the environment of a command whose folders lie below `home`. */
export function environmentOf(home: string, env: Readonly<Record<string, string>> = {}): Record<string, string> {
  const coverage = process.env['NODE_V8_COVERAGE']
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CACHE_HOME: join(home, 'cache'),
    XDG_CONFIG_HOME: join(home, 'config'),
    // Code from the compile cache is counted less exactly.
    ...(coverage !== undefined && {NODE_V8_COVERAGE: coverage, NODE_DISABLE_COMPILE_CACHE: '1'}),
    ...env,
  }
}

/** Where the temporary files of runs appear. */
export const spoolFolder = (home: string): string => join(home, 'cache', 'lorchestra', 'spool')
