import fs from 'node:fs'
import {syncBuiltinESMExports} from 'node:module'

// Loaded before a program: every file lies on a file system of the type that FILE_SYSTEM numbers.
const statfs = fs.promises.statfs.bind(fs.promises)
fs.promises.statfs = (async (path: string) =>
  Object.assign(await statfs(path), {type: Number(process.env['FILE_SYSTEM'])})) as typeof statfs
syncBuiltinESMExports()
