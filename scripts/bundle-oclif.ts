import {readdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

import {build, type Plugin} from 'esbuild'

/** Puts one file with all that `src/base/oclif.ts` exports in the place of the one that the compiler made of it. */
const root = fileURLToPath(new URL('..', import.meta.url))
const draft = `dist/base/oclif.js.${process.pid}.new`

/**
 * What oclif asks of these two at each start, answered without them where that is easy: texts of help pages without a
 * tag, which ejs would compile one by one, and names of plugins without a wildcard, which minimatch would.
 */
const SHORTCUTS: Readonly<Record<string, string>> = {
  ejs: `exports.render = (text, data) => text.includes('<%') ? require('ejs').render(text, data) : text`,
  minimatch: `exports.minimatch = (name, pattern) => /^[\\w@/-]+$/.test(pattern) ? name === pattern : require('minimatch').minimatch(name, pattern)`,
}

const shortcuts: Plugin = {
  name: 'shortcuts',
  setup(bundler) {
    bundler.onResolve({filter: /^(ejs|minimatch)$/}, ({path, namespace}) =>
      namespace === 'file' ? {path, namespace: 'shortcut'} : undefined,
    )
    bundler.onLoad({filter: /./, namespace: 'shortcut'}, ({path}) => ({
      contents: SHORTCUTS[path] ?? '',
      resolveDir: root,
    }))
  },
}

const {metafile} = await build({
  absWorkingDir: root,
  entryPoints: ['src/base/oclif.ts'],
  outfile: draft,
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  external: ['typescript'],
  // oclif is CommonJS and asks for these two.
  banner: {
    js: `import {createRequire} from 'node:module'
const require = createRequire(import.meta.url)
const __dirname = import.meta.dirname`,
  },
  plugins: [shortcuts],
  metafile: true,
  logLevel: 'warning',
})
// A program that starts meanwhile finds the one file or the other.
await rename(join(root, draft), join(root, 'dist', 'base', 'oclif.js'))
await rm(join(root, 'dist', 'base', 'oclif.js.map'), {force: true})
await writeFile(join(root, 'dist', 'oclif.licenses.txt'), await licensesOf(Object.keys(metafile.inputs)))

/** Their authors ask to be named wherever a copy goes. */
async function licensesOf(files: readonly string[]): Promise<string> {
  const packages = new Set(
    files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []).toSorted(),
  )
  const texts = [...packages].map(async (folder) => {
    const names = (await readdir(join(root, folder))).filter((name) => /^licen[cs]e/i.test(name))
    const {name, version, license} = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as {
      readonly [key: string]: unknown
    }
    const licenses = await Promise.all(names.map(async (file) => readFile(join(root, folder, file), 'utf8')))
    return [`${String(name)} ${String(version)} (${String(license)})`, ...licenses].join('\n\n')
  })
  return `${(await Promise.all(texts)).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
