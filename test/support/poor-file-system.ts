import fs from 'node:fs'
import {syncBuiltinESMExports} from 'node:module'

// Loaded before a program: its file system has no hard links, no modes and no sync of folders, as exFAT and SMB have none.
const refuse = (code: string) => async (): Promise<never> =>
  Promise.reject(Object.assign(new Error(`${code}: operation not supported`), {code}))

const open = fs.promises.open.bind(fs.promises)
fs.promises.link = refuse('EPERM')
fs.promises.chmod = refuse(process.env['REFUSED_MODES'] ?? 'ENOTSUP')
fs.promises.open = async (...args) => {
  const handle = await open(...args)
  if ((await handle.stat()).isDirectory()) handle.sync = refuse('EINVAL')
  return handle
}
syncBuiltinESMExports()
