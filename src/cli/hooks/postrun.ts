import {access, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Hook} from '@oclif/core'

import {hasCode} from '../../base/system-error.ts'

/** These write the completion scripts of the shells anew. */
const WRITING = /^(?:autocomplete|plugins)(?::|$)/

/** Replaces oclif's scripts, which know commands and flags alone. */
const completeNames: Hook.Postrun = async ({Command, config}) => {
  if (!WRITING.test(Command.id)) return
  const {bashScript, powershellScript, zshScript} = await import('../completion/scripts.ts')
  const folder = join(config.cacheDir, 'autocomplete', 'functions')
  await replace(join(folder, 'bash', `${config.bin}.bash`), bashScript(config.bin))
  await replace(join(folder, 'zsh', `_${config.bin}`), zshScript(config.bin))
  await replace(join(folder, 'powershell', `${config.bin}.ps1`), powershellScript(config.bin))
}

async function replace(path: string, script: string): Promise<void> {
  try {
    await access(path)
    await writeFile(path, script)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

export default completeNames
