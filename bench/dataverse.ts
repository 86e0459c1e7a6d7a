import {spawn} from 'node:child_process'
import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {cpus, tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Readable} from 'node:stream'
import {parseArgs} from 'node:util'

import {plainTable} from './plain-table.ts'
import {clinicEnv, clinicYaml} from '../test/support/clinic-yaml.ts'
import {startEntraServer} from '../test/support/entra-server.ts'
import {environmentOf, PROGRAM} from '../test/support/program.ts'
import {median} from './cases.ts'
import {startPageServer} from './dataverse-server.ts'

/** Contacts of about 1 KB through the whole run into DuckDB, beside the least work that loads the same pages. */
const {values: flags} = parseArgs({
  options: {
    rows: {type: 'string', default: '1000000'},
    'page-size': {type: 'string', default: '5000'},
    repeats: {type: 'string', default: '1'},
    json: {type: 'boolean', default: false},
    results: {type: 'string'},
  },
})
const command = ['npm run bench:dataverse --', ...process.argv.slice(2)].join(' ')
const rows = Number(flags.rows)
const pageSize = Number(flags['page-size'])
const SETTLED = 100_000
const MB = 1e6

/** Says to its fourth file what CPU time its child took, and what that waited for: not the box, which its host does not outlive. */
const WITH_TIMES = '"$@"; code=$?; times >&3; exit $code'

interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly output: string
}

interface Memory {
  /** Of the whole process: when it asks for the first page, at most up to 100,000 rows, and from there to the last page. */
  readonly first: number
  readonly early: number
  readonly late: number
}

let reader: number | undefined
let samples: Promise<readonly [rowsBefore: number, bytes: number]>[] = []

const folder = await mkdtemp(join(tmpdir(), 'lorchestra-bench-'))
const entra = await startEntraServer(folder)
const server = await startPageServer({
  rows,
  pageSize,
  onPage: (rowsBefore) => {
    if (reader !== undefined) samples.push(residentBytes(reader).then((bytes) => [rowsBefore, bytes]))
  },
})
try {
  const ratios: number[] = []
  const cpuRatios: number[] = []
  const runs: Measured[] = []
  const floors: Measured[] = []
  let memory: Memory = {first: 0, early: 0, late: 0}
  for (let repeat = 0; repeat < Number(flags.repeats); repeat += 1) {
    const floor = await measureFloor(join(folder, `floor-${repeat}`))
    const run = await measureRun(join(folder, `run-${repeat}`))
    memory = larger(memory, await memoryOf(samples))
    floors.push(floor)
    runs.push(run)
    ratios.push(floor.seconds / run.seconds)
    cpuRatios.push(floor.cpuSeconds / run.cpuSeconds)
  }
  const result = {
    rows,
    'page size': pageSize,
    'rows/s': Math.round(rows / median(runs.map(({seconds}) => seconds))),
    'floor/s': Math.round(rows / median(floors.map(({seconds}) => seconds))),
    'of the floor': Number(median(ratios).toFixed(2)),
    'by CPU, without the box': Number(median(cpuRatios).toFixed(2)),
    'MB at the first page': Math.round(memory.first / MB),
    'peak MB to 100,000 rows': Math.round(memory.early / MB),
    'peak MB from there': Math.round(memory.late / MB),
  }
  const machine = {cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', node: process.version}
  const report = JSON.stringify({schema: 1, command, machine, result, ratios, cpuRatios}, null, 2)
  const table = [
    `${command} on ${machine.cpus} x ${machine.model}, node ${machine.node}`,
    plainTable([Object.keys(result), Object.values(result).map((value) => value.toLocaleString('en-US'))]),
    `of the floor in each repeat: ${inHundredths(ratios)}; by CPU, without the box: ${inHundredths(cpuRatios)}`,
  ].join('\n\n')
  console.log(flags.json ? report : table)
  if (flags.results !== undefined) {
    await mkdir(flags.results, {recursive: true})
    await writeFile(join(flags.results, 'dataverse.json'), `${report}\n`)
    await writeFile(join(flags.results, 'dataverse.txt'), `${table}\n`)
  }
} finally {
  await server.close()
  await entra.close()
  await rm(folder, {recursive: true})
}

function inHundredths(numbers: readonly number[]): string {
  return numbers.map((number) => number.toFixed(2)).join(', ')
}

async function measureFloor(at: string): Promise<Measured> {
  reader = undefined
  const measured = await measure([join(import.meta.dirname, 'dataverse-floor.ts'), server.url, at])
  if (Number(measured.output) !== rows) throw new Error(`the floor loaded ${measured.output} rows`)
  await rm(at, {recursive: true})
  return measured
}

async function measureRun(at: string): Promise<Measured> {
  const config = `${at}.yaml`
  // One window, so that no commit comes before the last page.
  await writeFile(
    config,
    clinicYaml({
      url: server.url,
      entra,
      database: `${at}.duckdb`,
      jobs: {contacts: `entity: contact, page_size: ${pageSize}, start: 2026-01-01, slice: 520w`},
    }),
  )
  samples = []
  const measured = await measure([PROGRAM, 'run', 'contacts', '--json', '--config', config])
  const {runs} = JSON.parse(measured.output) as {runs: readonly {counts: {inserted: number}}[]}
  if (runs[0]?.counts.inserted !== rows) throw new Error(`the run loaded ${runs[0]?.counts.inserted} rows`)
  await rm(`${at}.duckdb`)
  return measured
}

/** The whole process, from its start. */
async function measure(line: readonly string[]): Promise<Measured> {
  const startedAt = performance.now()
  const child = spawn('/bin/sh', ['-c', WITH_TIMES, 'sh', process.execPath, ...line], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env: environmentOf(folder, clinicEnv(entra)),
  })
  reader = child.pid
  const [output, times] = await Promise.all([textOf(child.stdio[1] as Readable), textOf(child.stdio[3] as Readable)])
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve)
  })
  if (code !== 0) throw new Error(`exit ${code}: ${output}`)
  const seconds = (performance.now() - startedAt) / 1000
  return {seconds, cpuSeconds: childrenSecondsIn(times), output}
}

/** Reads the second line of `times`: user and system time as in `0m1.250s 0m0.310s`. */
function childrenSecondsIn(times: string): number {
  const [, line = ''] = times.split('\n')
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds),
    0,
  )
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += String(chunk)
  return text
}

/** Of a process and all that it started, by Linux; elsewhere nothing is measured. */
async function residentBytes(pid: number): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
      .split(' ')
      .filter(Boolean)
      .map(Number)
    const bytes = await Promise.all(children.map(residentBytes))
    return bytes.reduce((sum, more) => sum + more, Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024)
  } catch (error) {
    // It has just ended.
    if (['ENOENT', 'ESRCH'].includes(String((error as {code?: unknown}).code))) return 0
    throw error
  }
}

async function memoryOf(pending: typeof samples): Promise<Memory> {
  const taken = await Promise.all(pending)
  const largest = (of: (rowsBefore: number) => boolean): number =>
    Math.max(0, ...taken.filter(([rowsBefore]) => of(rowsBefore)).map(([, bytes]) => bytes))
  return {
    first: largest((before) => before === 0),
    early: largest((before) => before <= SETTLED),
    late: largest((before) => before > SETTLED),
  }
}

function larger(one: Memory, other: Memory): Memory {
  return {
    first: Math.max(one.first, other.first),
    early: Math.max(one.early, other.early),
    late: Math.max(one.late, other.late),
  }
}
