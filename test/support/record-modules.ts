import {writeFileSync} from 'node:fs'
import {registerHooks} from 'node:module'

/** Preloaded into a child process: at its end, every module that it loaded is listed in a file, one a line. */
const loaded: string[] = []
registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url)
    return nextLoad(url, context)
  },
})
process.on('exit', () => {
  const file = process.env['LOADED_MODULES_FILE']
  if (file !== undefined) writeFileSync(file, loaded.join('\n'))
})
