import {execFileSync} from 'node:child_process'
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

/** Fails when a file that is made from the code is not the one that is committed; leaves all files as they were. */
const root = fileURLToPath(new URL('..', import.meta.url))
const files = ['oclif.manifest.json', 'README.md', 'lorchestra.schema.json']
const contents = (): readonly string[] => files.map((file) => readFileSync(`${root}/${file}`, 'utf8'))

const before = contents()
execFileSync('npm', ['run', '--silent', 'generate'], {cwd: root, stdio: ['ignore', 'ignore', 'inherit']})
const after = contents()
for (const [index, file] of files.entries()) writeFileSync(`${root}/${file}`, before[index] ?? '')
const stale = files.filter((_, index) => before[index] !== after[index])
if (stale.length > 0) throw new Error(`stale: ${stale.join(', ')}; run npm run generate and commit what it changes`)
console.log(`up to date: ${files.join(', ')}`)
