import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Hook} from '@oclif/core'

import {hasCode} from '../../base/system-error.ts'

/** These write the completion scripts of the shells anew. */
const WRITING = /^(?:autocomplete|plugins)(?::|$)/

const completeJobNames: Hook.Postrun = async ({Command, config}) => {
  if (!WRITING.test(Command.id)) return
  const {withJobNamesInBash, withJobNamesInZsh} = await import('../completion/job-names.ts')
  const folder = join(config.cacheDir, 'autocomplete', 'functions')
  await rewrite(join(folder, 'bash', `${config.bin}.bash`), (script) => withJobNamesInBash(script, config))
  await rewrite(join(folder, 'zsh', `_${config.bin}`), (script) => withJobNamesInZsh(script, config))
}

async function rewrite(path: string, change: (script: string) => string): Promise<void> {
  try {
    await writeFile(path, change(await readFile(path, 'utf8')))
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

export default completeJobNames
