import {spawnSync} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {median} from './cases.ts'

/** What a person waits for before anything is done, beside a bare Node. Needs the build. */
const {values: flags} = parseArgs({
  options: {repeats: {type: 'string', default: '15'}, json: {type: 'boolean', default: false}},
})

const BIN = join(import.meta.dirname, '..', 'bin', 'run.js')
const BASE = 'node -e 0'
const COMMANDS: Readonly<Record<string, {readonly line: readonly string[]; readonly code: number}>> = {
  [BASE]: {line: ['-e', '0'], code: 0},
  'lorchestra --version': {line: [BIN, '--version'], code: 0},
  'lorchestra --help': {line: [BIN, '--help'], code: 0},
  'lorchestra run --help': {line: [BIN, 'run', '--help'], code: 0},
  'lorchestra run (usage error)': {line: [BIN, 'run'], code: 2},
}

/** Preloaded as plain CommonJS, the cheapest there is: the process writes its CPU time, in microseconds, to its fourth file. */
const REPORT_CPU = `process.on('exit', () => {
  const {user, system} = process.cpuUsage()
  require('node:fs').writeSync(3, String(user + system))
})`
const folder = mkdtempSync(join(tmpdir(), 'lorchestra-bench-'))
const preload = join(folder, 'report-cpu.cjs')
writeFileSync(preload, REPORT_CPU)

interface Sample {
  readonly wall: number
  readonly cpu: number
}

function start(name: string): Sample {
  const {line, code} = COMMANDS[name] ?? {line: [], code: 0}
  const startedAt = performance.now()
  const child = spawnSync(process.execPath, ['--require', preload, ...line], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const wall = performance.now() - startedAt
  if (child.status !== code) throw new Error(`${name} ended with ${child.status}, not with ${code}`)
  return {wall, cpu: Number(String(child.output[3])) / 1000}
}

const samples = new Map<string, Sample[]>(Object.keys(COMMANDS).map((name) => [name, []]))
// The first round fills the caches and is not counted; after it the commands take turns.
for (let round = 0; round <= Number(flags.repeats); round += 1) {
  for (const [name, measured] of samples) {
    const sample = start(name)
    if (round > 0) measured.push(sample)
  }
}

rmSync(folder, {recursive: true})

const middle = (name: string): Sample => {
  const measured = samples.get(name) ?? []
  return {wall: median(measured.map(({wall}) => wall)), cpu: median(measured.map(({cpu}) => cpu))}
}
const base = middle(BASE)
const rounded = (value: number): number => Math.round(value * 10) / 10
const rows = Object.keys(COMMANDS).map((command) => {
  const {wall, cpu} = middle(command)
  return {
    command,
    'wall ms': rounded(wall),
    'CPU ms': rounded(cpu),
    'times (wall)': rounded(wall / base.wall),
    'times (CPU)': rounded(cpu / base.cpu),
  }
})
if (flags.json) console.log(JSON.stringify({schema: 1, node: process.version, rows}, null, 2))
else console.table(rows)
