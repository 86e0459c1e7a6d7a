import {execFileSync} from 'node:child_process'
import {readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

/** Fails when a file that is made from the code is not the one that is committed; leaves all files as they were. */
const root = fileURLToPath(new URL('..', import.meta.url))
const generatedFiles = (): ReadonlyMap<string, string> => {
  const pages = ['docs/commands', 'docs/json'].flatMap((folder) =>
    readdirSync(`${root}/${folder}`).map((name) => `${folder}/${name}`),
  )
  const others = ['lorchestra.schema.json', 'docs/architecture.md', 'docs/configuration.md']
  const files = ['oclif.manifest.json', 'README.md', ...others, ...pages]
  return new Map(files.map((file) => [file, readFileSync(`${root}/${file}`, 'utf8')]))
}

function made(): ReadonlyMap<string, string> {
  try {
    for (const file of before.keys()) if (file.startsWith('docs/commands/')) rmSync(`${root}/${file}`)
    execFileSync('npm', ['run', '--silent', 'generate'], {cwd: root, stdio: ['ignore', 'ignore', 'inherit']})
    return generatedFiles()
  } finally {
    for (const file of generatedFiles().keys()) if (!before.has(file)) rmSync(`${root}/${file}`)
    for (const [file, text] of before) writeFileSync(`${root}/${file}`, text)
  }
}

const before = generatedFiles()
const after = made()
const files = [...new Set([...before.keys(), ...after.keys()])]
const stale = files.filter((file) => before.get(file) !== after.get(file))
if (stale.length > 0) throw new Error(`stale: ${stale.join(', ')}; run npm run generate and commit what it changes`)
console.log(`up to date: ${files.join(', ')}`)
