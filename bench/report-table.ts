import {mkdir, writeFile} from 'node:fs/promises'
import {cpus, loadavg} from 'node:os'
import {join} from 'node:path'

import {plainTable} from './plain-table.ts'

/** Prints what was measured, and keeps it as text and JSON where a folder is named. */
export async function reportTable({
  command,
  name,
  results,
  folder,
  notes,
}: {
  readonly command: string
  readonly name: string
  readonly results: readonly object[]
  readonly folder: string | undefined
  readonly notes: string
}): Promise<void> {
  const machine = {cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', node: process.version}
  const table = [
    `${command} on ${machine.cpus} x ${machine.model}, node ${machine.node}; load ${(loadavg()[0] ?? 0).toFixed(1)} at the end`,
    plainTable([Object.keys(results[0] ?? {}), ...results.map((row) => Object.values(row).map(String))]),
    notes,
  ].join('\n\n')
  console.log(table)
  if (folder === undefined) return
  await mkdir(folder, {recursive: true})
  await writeFile(join(folder, `${name}.txt`), `${table}\n`)
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify({schema: 1, command, machine, results}, null, 2)}\n`)
}
