import {spawn} from 'node:child_process'
import {mkdir, rm, symlink} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {stripVTControlCharacters} from 'node:util'

import type {Example} from './examples.ts'
import {terminalPicture} from './terminal-picture.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const BLOCK = /^```console\n([\s\S]*?)^```$/gm
const RUN_ID = /([a-z][a-z0-9_]*)-\d{14}-[0-9a-f]{8}/

/** A page with what its commands print now, and what is drawn of them, by its file in docs/. */
export interface PlayedPage {
  readonly text: string
  readonly pictures: ReadonlyMap<string, string>
}

/**
 * Runs each line of a `console` block that begins with `$`, and puts its output below. A line that begins with `#` is what
 * happens at the source.
 */
export async function playPage(text: string, example: Example): Promise<PlayedPage> {
  for (const line of example.before ?? []) await outputOf(line, example)
  const pictures = new Map<string, string>()
  let played = ''
  let end = 0
  for (const match of text.matchAll(BLOCK)) {
    played +=
      text.slice(end, match.index) + '```console\n' + (await playBlock(match[1] ?? '', example, pictures)) + '```'
    end = match.index + match[0].length
  }
  const missing = Object.values(example.pictures ?? {}).find(({file}) => !pictures.has(file))
  if (missing !== undefined) throw new Error(`no command of the page draws ${missing.file}`)
  return {text: played + text.slice(end), pictures}
}

async function playBlock(block: string, example: Example, pictures: Map<string, string>): Promise<string> {
  let printed = ''
  for (const line of block.split('\n')) {
    if (line.startsWith('# ')) {
      const happen = example.events?.[line.slice(2)]
      if (happen === undefined) throw new Error(`nobody knows how this happens: ${line}`)
      await happen()
      printed += `${line}\n`
    } else if (line.startsWith('$ ')) {
      const command = await withNewestRun(line.slice(2), example)
      const picture = example.pictures?.[command]
      const output = await outputOf(command, example, picture !== undefined)
      if (picture !== undefined) pictures.set(picture.file, terminalPicture(command, output, picture))
      printed += `$ ${command}\n${stripVTControlCharacters(output)}`
    }
  }
  return printed
}

/** A run's id stands for the newest run of its job. */
async function withNewestRun(command: string, example: Example): Promise<string> {
  const [, job] = RUN_ID.exec(command) ?? []
  if (job === undefined) return command
  const {runs} = JSON.parse(await outputOf(`lorchestra runs list --job ${job} --limit 1 --json`, example)) as {
    runs: readonly {run_id: string}[]
  }
  return command.replace(RUN_ID, runs[0]?.run_id ?? '')
}

/** What a person sees in a terminal of 120 columns; paths of this machine are left out. */
async function outputOf(command: string, {folder, env, shown = {}}: Example, isColoured = false): Promise<string> {
  const home = join(folder, '.home')
  const bin = join(home, 'bin')
  await mkdir(bin, {recursive: true})
  await rm(join(bin, 'lorchestra'), {force: true})
  await symlink(PROGRAM, join(bin, 'lorchestra'))
  const child = spawn('sh', ['-c', `${command} 2>&1`], {
    cwd: folder,
    env: {
      PATH: `${bin}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: home,
      COLUMNS: '120',
      ...(isColoured && {FORCE_COLOR: '1'}),
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
