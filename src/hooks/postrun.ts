import {join} from 'node:path'

import type {Hook} from '@oclif/core'

/** These write the completion functions of the shells anew. */
const WRITING = /^(?:autocomplete|plugins)(?::|$)/

const completeJobNames: Hook.Postrun = async ({Command, config}) => {
  if (!WRITING.test(Command.id)) return
  const {addJobNamesTo} = await import('../job-completion.ts')
  await addJobNamesTo(join(config.cacheDir, 'autocomplete', 'functions', 'bash', `${config.bin}.bash`), config)
}

export default completeJobNames
