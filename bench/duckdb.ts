import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {cpus, tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {parseArgs} from 'node:util'

import {CASES, measureInProcess, median, type Case, type CaseResult, type Measured, type MeasuredLoad} from './cases.ts'
import {plainTable} from './plain-table.ts'
import {count, drawBench} from './plot.ts'

/** A synthetic source through the whole run into DuckDB, beside the least work that loads the same records. */
const {values: flags} = parseArgs({
  options: {
    sizes: {type: 'string', default: '100000,1000000'},
    repeats: {type: 'string', default: '1'},
    'idle-repeats': {type: 'string', default: '7'},
    folder: {type: 'string', default: tmpdir()},
    json: {type: 'boolean', default: false},
    /** A folder for the figures as JSON, as text and as a plot. */
    results: {type: 'string'},
  },
})
const sizes = flags.sizes.split(',').map(Number)
const MB = 1e6
const command = ['npm run bench --', ...process.argv.slice(2)].join(' ')

interface IdleResult {
  readonly records: number
  readonly idleRun: Measured
  readonly bareOpen: Measured
  readonly ratio: number
  readonly processRatio: number
}

async function measureSize(records: number, folder: string): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  for (const name of CASES) {
    const request = {folder, records, case: name}
    const floor = withSpeed(records, await measureInProcess({...request, what: 'floor'}))
    const lorchestra = withSpeed(records, await measureInProcess({...request, what: 'lorchestra'}))
    results.push({
      records,
      case: name,
      lorchestra,
      floor,
      ratio: floor.seconds / lorchestra.seconds,
      cpuRatio: floor.cpuSeconds / lorchestra.cpuSeconds,
    })
    progress(results.at(-1))
  }
  return results
}

const withSpeed = (records: number, measured: Measured): MeasuredLoad => ({
  ...measured,
  recordsPerSecond: Math.round(records / measured.seconds),
})

/** Interleaved, because the machine may be shared. */
async function measureIdle(records: number, folder: string, repeats: number): Promise<IdleResult> {
  const idle: Measured[] = []
  const bare: Measured[] = []
  const request = {folder, records, case: CASES[1]}
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    idle.push(await measureInProcess({...request, what: 'idle run'}))
    bare.push(await measureInProcess({...request, what: 'bare open'}))
  }
  const [idleRun, bareOpen] = [medians(idle.slice(1)), medians(bare.slice(1))]
  return {
    records,
    idleRun,
    bareOpen,
    ratio: idleRun.seconds / bareOpen.seconds,
    processRatio: idleRun.processSeconds / bareOpen.processSeconds,
  }
}

function medians(all: readonly Measured[]): Measured {
  const of = (name: keyof Measured): number => median(all.map((measured) => measured[name]))
  return {
    seconds: of('seconds'),
    cpuSeconds: of('cpuSeconds'),
    processSeconds: of('processSeconds'),
    processCpuSeconds: of('processCpuSeconds'),
    peakBytes: of('peakBytes'),
  }
}

function progress(result: CaseResult | undefined): void {
  if (result === undefined || !process.stderr.isTTY) return
  process.stderr.write(`${result.records} ${result.case}: ${result.ratio.toFixed(2)} of the floor\n`)
}

/** Of several repeats the one in the middle. */
function middle(all: readonly CaseResult[]): CaseResult {
  const sorted = all.toSorted((a, b) => a.ratio - b.ratio)
  return sorted[Math.floor(sorted.length / 2)] ?? fail('nothing was measured')
}

function fail(message: string): never {
  throw new Error(message)
}

/** What the peak grows by for each further key, between the smallest and the largest size. */
function bytesPerKey(results: readonly CaseResult[], name: Case): number | undefined {
  const ofCase = results.filter((result) => result.case === name)
  const [first, last] = [ofCase[0], ofCase.at(-1)]
  if (first === undefined || last === undefined || first.records === last.records) return undefined
  return (last.lorchestra.peakBytes - first.lorchestra.peakBytes) / (last.records - first.records)
}

const results: CaseResult[] = []
const idle: IdleResult[] = []
for (const records of sizes) {
  const repeated: CaseResult[] = []
  for (let repeat = 0; repeat < Number(flags.repeats); repeat += 1) {
    const folder = await mkdtemp(join(resolve(flags.folder), 'lorchestra-bench-'))
    try {
      repeated.push(...(await measureSize(records, folder)))
      if (repeat === 0) idle.push(await measureIdle(records, folder, Number(flags['idle-repeats'])))
    } finally {
      await rm(folder, {recursive: true})
    }
  }
  for (const name of CASES) results.push(middle(repeated.filter((result) => result.case === name)))
}

const perKey = CASES.map((name) => ({case: name, bytesPerKey: bytesPerKey(results, name)}))
const machine = {cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', node: process.version}
const report = JSON.stringify({schema: 1, command, machine, results, perKey, idle}, null, 2)
const tables = [
  `${command} on ${machine.cpus} x ${machine.model}, node ${machine.node}`,
  plainTable([
    ['records', 'case', 'records/s', 'floor/s', 'of the floor', 'by CPU', 'peak MB', 'floor MB'],
    ...results.map(({records, case: name, lorchestra, floor, ratio, cpuRatio}) => [
      count(records),
      name,
      count(lorchestra.recordsPerSecond),
      count(floor.recordsPerSecond),
      ratio.toFixed(2),
      cpuRatio.toFixed(2),
      count(lorchestra.peakBytes / MB),
      count(floor.peakBytes / MB),
    ]),
  ]),
  perKey
    .flatMap(({case: name, bytesPerKey: bytes}) =>
      bytes === undefined ? [] : [`${name}: ${Math.round(bytes)} bytes of memory for each further key`],
    )
    .join('\n'),
  plainTable([
    ['records', 'nothing new', 'bare open', 'times', 'whole process', 'bare process', 'times'],
    ...idle.map(({records, idleRun, bareOpen, ratio, processRatio}) => [
      count(records),
      milliseconds(idleRun.seconds),
      milliseconds(bareOpen.seconds),
      ratio.toFixed(1),
      milliseconds(idleRun.processSeconds),
      milliseconds(bareOpen.processSeconds),
      processRatio.toFixed(1),
    ]),
  ]),
].join('\n\n')
console.log(flags.json ? report : tables)
if (flags.results !== undefined) {
  await mkdir(flags.results, {recursive: true})
  await writeFile(join(flags.results, 'duckdb.json'), `${report}\n`)
  await writeFile(join(flags.results, 'duckdb.txt'), `${tables}\n`)
  await writeFile(join(flags.results, 'duckdb.svg'), drawBench(results))
}

function milliseconds(seconds: number): string {
  return `${count(seconds * 1000)} ms`
}
