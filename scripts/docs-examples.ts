import {spawn} from 'node:child_process'
import {mkdir, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

import {EXAMPLES, type Example} from './examples/examples.ts'

/**
 * Writes into pages of docs/ what the commands there print: runs each line of a `console` block that begins with `$`, and
 * puts its output below. A line that begins with `#` is what happens at the source. Names of pages take these alone.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const BLOCK = /^```console\n([\s\S]*?)^```$/gm
const RUN_ID = /([a-z][a-z0-9_]*)-\d{14}-[0-9a-f]{8}/

const wanted = process.argv.slice(2)
for (const [page, example] of Object.entries(EXAMPLES)) {
  if (wanted.length > 0 && !wanted.includes(page)) continue
  const path = join(root, 'docs', page)
  const text = await readFile(path, 'utf8')
  await example(async (local) => {
    for (const line of local.before ?? []) await outputOf(line, local)
    let renewed = ''
    let end = 0
    for (const match of text.matchAll(BLOCK)) {
      renewed += text.slice(end, match.index) + '```console\n' + (await played(match[1] ?? '', local)) + '```'
      end = match.index + match[0].length
    }
    await writeFile(path, renewed + text.slice(end))
  })
  console.log(`docs/${page}`)
}

async function played(block: string, local: Example): Promise<string> {
  let printed = ''
  for (const line of block.split('\n')) {
    if (line.startsWith('# ')) {
      const happen = local.events?.[line.slice(2)]
      if (happen === undefined) throw new Error(`nobody knows how this happens: ${line}`)
      await happen()
      printed += `${line}\n`
    } else if (line.startsWith('$ ')) {
      const command = await withNewestRun(line.slice(2), local)
      printed += `$ ${command}\n${await outputOf(command, local)}`
    }
  }
  return printed
}

/** A run's id stands for the newest run of its job. */
async function withNewestRun(command: string, local: Example): Promise<string> {
  const [, job] = RUN_ID.exec(command) ?? []
  if (job === undefined) return command
  const {runs} = JSON.parse(await outputOf(`lorchestra runs list --job ${job} --limit 1 --json`, local)) as {
    runs: readonly {run_id: string}[]
  }
  return command.replace(RUN_ID, runs[0]?.run_id ?? '')
}

/** What a person sees in a terminal of 120 columns; paths of this machine are left out. */
async function outputOf(command: string, {folder, env, shown = {}}: Example): Promise<string> {
  const home = join(folder, '.home')
  const bin = join(home, 'bin')
  await mkdir(bin, {recursive: true})
  await rm(join(bin, 'lorchestra'), {force: true})
  await symlink(join(root, 'bin', 'run.js'), join(bin, 'lorchestra'))
  const child = spawn('sh', ['-c', `${command} 2>&1`], {
    cwd: folder,
    env: {
      PATH: `${bin}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: home,
      COLUMNS: '120',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${command} ended with exit code ${code}: ${output}`)
  const places = Object.entries({[home]: '~', [folder]: '~/ingestion', ...shown})
  return places.reduce((text, [place, name]) => text.replaceAll(place, name), output).replaceAll(/[ \t]+$/gm, '')
}
