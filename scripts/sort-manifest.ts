import {readFileSync, writeFileSync} from 'node:fs'

/** oclif lists commands as the file system happened to answer; sorted, the same code gives the same file. */
const file = new URL('../oclif.manifest.json', import.meta.url)
const {commands, ...rest} = JSON.parse(readFileSync(file, 'utf8')) as {readonly commands: Record<string, unknown>}
const sorted = Object.fromEntries(Object.entries(commands).toSorted(([one], [other]) => (one < other ? -1 : 1)))
writeFileSync(file, `${JSON.stringify({commands: sorted, ...rest}, null, 2)}\n`)
