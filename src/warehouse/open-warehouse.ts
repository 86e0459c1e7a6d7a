import {randomBytes} from 'node:crypto'
import {rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import type {WarehouseConfig} from '../config/config.ts'
import {writtenByProcess} from '../model/run-mode.ts'
import type {OpenOptions} from './kind.ts'
import {kindOf} from './kinds.ts'
import type {Warehouse} from './warehouse.ts'

const foldersToRemove = new Set<string>()

/** Commands that run no job wait until the process ends, or `signal` says so. */
export const outsideOfRuns = (signal: AbortSignal = new AbortController().signal): Opening => {
  const temporaryFolder = join(tmpdir(), `lorchestra-${randomBytes(12).toString('hex')}`)
  if (foldersToRemove.size === 0) process.once('exit', removeFolders)
  foldersToRemove.add(temporaryFolder)
  return {temporaryFolder, signal}
}

const removeFolders = (): void => {
  for (const folder of foldersToRemove) rmSync(folder, {recursive: true, force: true})
}

/** What is written is what runs of the process write, where it is left out. */
type Opening = Omit<OpenOptions, 'writes'> & Partial<Pick<OpenOptions, 'writes'>>

/** Gives the configured warehouse, whose client is loaded now where it was not, and opens nothing yet. */
export async function openWarehouse(config: WarehouseConfig, options: Opening = outsideOfRuns()): Promise<Warehouse> {
  return kindOf(config).open(config.settings, {writes: writtenByProcess(), ...options})
}
