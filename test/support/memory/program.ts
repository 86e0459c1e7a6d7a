import {registerHooks} from 'node:module'

import type {WarehouseKind} from '../../../src/warehouse/kind.ts'
import {PROGRAM} from '../program.ts'
import {forgetRunMode} from '../run-mode.ts'
import type {EndedCommand} from './commands.ts'

/**
 * The program with one more kind of warehouse in its list, which is all that is done to it. Runs one command line
 * after another in this process, because what the kind holds ends with the process.
 */
const src = new URL('../../../src/', import.meta.url).href
const dist = new URL('../../../dist/', import.meta.url).href
registerHooks({
  // oclif loads commands and hooks that were built, the kind's files import what was written: both get the one as it was written.
  resolve(specifier, context, nextResolve) {
    const {url, ...found} = nextResolve(specifier, context)
    return url.startsWith(dist)
      ? {...found, url: `${src}${url.slice(dist.length, -'.js'.length)}.ts`, format: 'module-typescript'}
      : {...found, url}
  },
})
const [{WAREHOUSE_KINDS}, {memory}, {run}] = await Promise.all([
  import('../../../src/warehouse/kinds.ts'),
  import('./kind.ts'),
  import('../../../src/base/oclif.ts'),
])
;(WAREHOUSE_KINDS as unknown as WarehouseKind[]).push(memory)

const lines = JSON.parse(process.argv[2] ?? '') as readonly (readonly string[])[]
for (const line of lines) {
  let stdout = ''
  const write = process.stdout.write.bind(process.stdout)
  process.stdout.write = (text) => {
    stdout += String(text)
    return true
  }
  // Each line is a process of its own as far as the mode goes, which is set once.
  forgetRunMode()
  const code = await run([...line], PROGRAM).then(() => 0, exitCodeOf)
  process.stdout.write = write
  process.send?.({code, stdout} satisfies EndedCommand)
}
process.disconnect()

function exitCodeOf(error: unknown): number {
  const {oclif} = error as {readonly oclif?: {readonly exit?: number}}
  if (oclif?.exit === undefined) throw error
  return oclif.exit
}
