import childProcess from 'node:child_process'
import {syncBuiltinESMExports} from 'node:module'

function refuse(): never {
  throw new Error('a unit test starts no process: one that does belongs into a file *.process.test.ts')
}

/** Makes every test that starts a process fail; mocha loads this with `--require`. */
export const mochaHooks = {
  beforeAll(): void {
    // All asynchronous ways to start a process end in this method, promisified ones too.
    Object.defineProperty(childProcess.ChildProcess.prototype, 'spawn', {value: refuse})
    for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const) childProcess[name] = refuse
    syncBuiltinESMExports()
  },
}
