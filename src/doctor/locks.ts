import {join} from 'node:path'

import {lookAtLock, type SeenLock} from '../base/file-lock.ts'
import {formatSpan} from '../base/span.ts'
import {lockOfFile} from '../config/change-file.ts'
import type {Config} from '../config/config.ts'
import {lockOfPlugins} from '../sources/install/plugin-copy.ts'
import {locksIn, secretsFolder} from '../sources/secrets/secrets-folder.ts'
import {kindOf} from '../warehouse/kinds.ts'
import {failed, type Answer, type Finding} from './finding.ts'

/** Tells who holds the files by which processes keep each other out, and which ones a killed process has left. */
export async function* examineLocks(config: Config, dataDir: string): AsyncGenerator<Finding> {
  for (const {subject, path} of await locksOf(config, dataDir)) {
    try {
      const seen = await lookAtLock(path)
      if (seen !== undefined) yield {check: 'lock', subject, ...judge(seen, path)}
    } catch (error) {
      yield failed('lock', subject, error)
    }
  }
}

async function locksOf(config: Config, dataDir: string) {
  const folder = secretsFolder(dataDir, config.path)
  const secrets = await Promise.all(['accounts', 'jobs'].map(async (kind) => locksIn(join(folder, kind))))
  const kind = kindOf(config.warehouse)
  return [
    {subject: config.shownPath, path: lockOfFile(config.path)},
    {subject: 'plugins', path: lockOfPlugins(dataDir)},
    ...secrets.flat().map(({owner, path}) => ({subject: `secrets of ${owner}`, path})),
    ...((await kind.lockFiles?.(config.warehouse.settings)) ?? []).map((path) => ({subject: kind.name, path})),
  ]
}

function judge({holder, isFree, isHeld, freeAfter, silence}: SeenLock, path: string): Exclude<Answer, string> {
  if (isHeld === true) return {status: 'ok', found: `${holder} is using it`}
  const touched = `last sign of life ${formatSpan(Math.abs(silence))} ${silence < 0 ? 'in the future' : 'ago'}`
  if (isFree)
    return {
      status: 'warning',
      found: `left by ${holder}, which is gone (${touched})`,
      next: 'Nothing to do: the next command that needs it takes it over.',
    }
  return {
    status: 'warning',
    found: `held by ${holder}, which cannot be seen from here (${touched})`,
    next: `Wait: it is free ${freeAfter} after the last sign of life. If that process is gone, remove ${path}.`,
  }
}
