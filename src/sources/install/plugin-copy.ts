import {access, cp, mkdir, rename, rm} from 'node:fs/promises'
import {join} from 'node:path'

import {withFileLock} from '../../base/file-lock.ts'
import {hasCode} from '../../base/system-error.ts'

/** Npm changes these. Secrets lie in the same folder and are left alone. */
const PARTS = ['node_modules', 'package-lock.json', 'package.json'] as const
const LOCK_TIMEOUT = 60_000

export const lockOfPlugins = (dataFolder: string): string => join(dataFolder, 'plugins.lock')

/**
 * Lets npm change a copy of what is installed, which takes the place of the original only when `change` is done: what
 * fails half-way costs no plugin that worked. The copy lies beside the folder, because npm writes relative paths.
 */
export async function withPluginCopy<Result>(
  dataFolder: string,
  change: (pluginCopy: string) => Promise<Result>,
): Promise<Result> {
  await mkdir(dataFolder, {recursive: true})
  const lock = {path: lockOfPlugins(dataFolder), holds: 'the installed plugins', lockTimeout: LOCK_TIMEOUT}
  return withFileLock(lock, async () => {
    const [pluginCopy, replaced] = [`${dataFolder}.new`, `${dataFolder}.old`]
    await putBackWhatWasInterrupted(dataFolder, replaced)
    await rm(pluginCopy, {recursive: true, force: true})
    await mkdir(pluginCopy)
    try {
      for (const part of PARTS) {
        await unlessMissing(
          cp(join(dataFolder, part), join(pluginCopy, part), {recursive: true, verbatimSymlinks: true}),
        )
      }
      const result = await change(pluginCopy)
      await mkdir(replaced)
      for (const part of PARTS) {
        await unlessMissing(rename(join(dataFolder, part), join(replaced, part)))
        await unlessMissing(rename(join(pluginCopy, part), join(dataFolder, part)))
      }
      await discard(replaced)
      return result
    } finally {
      await putBackWhatWasInterrupted(dataFolder, replaced)
      await rm(pluginCopy, {recursive: true, force: true})
    }
  })
}

/** Puts the parts back, the last one last: as long as what was replaced is there, the change did not end. */
async function putBackWhatWasInterrupted(dataFolder: string, replaced: string): Promise<void> {
  for (const part of PARTS) {
    if (!(await unlessMissing(access(join(replaced, part))))) continue
    await rm(join(dataFolder, part), {recursive: true, force: true})
    await rename(join(replaced, part), join(dataFolder, part))
  }
  await discard(replaced)
}

/** Removes the folder at once: what is half removed must not be put back. */
async function discard(replaced: string): Promise<void> {
  const discarded = `${replaced}.discarded`
  await rm(discarded, {recursive: true, force: true})
  if (await unlessMissing(rename(replaced, discarded))) await rm(discarded, {recursive: true, force: true})
}

async function unlessMissing(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
