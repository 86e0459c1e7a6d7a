import {execFileSync} from 'node:child_process'
import {readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

/** Fails when a file that is made from the code is not the one that is committed; leaves all files as they were. */
const root = fileURLToPath(new URL('..', import.meta.url))
const generatedFiles = (): ReadonlyMap<string, string> => {
  const pages = ['docs/commands', 'docs/json'].flatMap((folder) =>
    readdirSync(`${root}/${folder}`).map((name) => `${folder}/${name}`),
  )
  const files = ['oclif.manifest.json', 'README.md', 'lorchestra.schema.json', ...pages]
  return new Map(files.map((file) => [file, readFileSync(`${root}/${file}`, 'utf8')]))
}

const before = generatedFiles()
for (const file of before.keys()) if (file.startsWith('docs/')) rmSync(`${root}/${file}`)
execFileSync('npm', ['run', '--silent', 'generate'], {cwd: root, stdio: ['ignore', 'ignore', 'inherit']})
const after = generatedFiles()
for (const file of after.keys()) if (!before.has(file)) rmSync(`${root}/${file}`)
for (const [file, text] of before) writeFileSync(`${root}/${file}`, text)
const files = [...new Set([...before.keys(), ...after.keys()])]
const stale = files.filter((file) => before.get(file) !== after.get(file))
if (stale.length > 0) throw new Error(`stale: ${stale.join(', ')}; run npm run generate and commit what it changes`)
console.log(`up to date: ${files.join(', ')}`)
