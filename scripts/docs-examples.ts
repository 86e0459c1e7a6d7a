import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {parseArgs} from 'node:util'

import {EXAMPLES} from './examples/examples.ts'
import {playPage} from './examples/play.ts'
import {firstDifference} from './examples/same-output.ts'

/**
 * Runs the commands that pages of docs/ show, and writes there what they print, and draws pictures of it. With --check it writes
 * nothing, and fails where they print something else. Names of pages take these alone.
 */
const docs = fileURLToPath(new URL('../docs', import.meta.url))
const {values, positionals} = parseArgs({options: {check: {type: 'boolean', default: false}}, allowPositionals: true})
const unknown = positionals.find((page) => !(page in EXAMPLES))
if (unknown !== undefined) throw new Error(`docs/${unknown} shows no output: ${Object.keys(EXAMPLES).join(', ')}`)

const stale: string[] = []
for (const [page, example] of Object.entries(EXAMPLES)) {
  if (positionals.length > 0 && !positionals.includes(page)) continue
  const before = await readFile(join(docs, page), 'utf8')
  await example(async (local) => {
    const {text, pictures} = await playPage(before, local)
    for (const [file, content] of [[page, text] as const, ...pictures]) {
      if (values.check) await compare(file, content)
      else await write(file, content)
    }
  })
}
if (stale.length > 0)
  throw new Error(
    `commands print something else than docs/ shows; npm run record:docs, and look at what changes:\n${stale.join('\n')}`,
  )

async function compare(file: string, now: string): Promise<void> {
  const difference = firstDifference(await readFile(join(docs, file), 'utf8'), now)
  if (difference === undefined) console.log(`docs/${file}: as recorded`)
  else stale.push(`docs/${file}\n- ${difference.recorded}\n+ ${difference.now}`)
}

async function write(file: string, content: string): Promise<void> {
  await mkdir(dirname(join(docs, file)), {recursive: true})
  await writeFile(join(docs, file), content)
  console.log(`docs/${file}`)
}
