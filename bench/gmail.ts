import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {cpus, loadavg, tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {plainTable} from './plain-table.ts'
import {median} from './cases.ts'
import type {ReaderRequest, ReaderResult} from './gmail-reader.ts'
import type {StubOptions, StubStatistics} from './gmail-stub.ts'

/**
 * The Gmail source through whole runs into DuckDB, against a stub that enforces Google's quota in units. All waits are
 * real: ten minutes of mailbox take ten minutes.
 */
const {values: flags} = parseArgs({
  options: {
    minutes: {type: 'string', default: '10'},
    repeats: {type: 'string', default: '5'},
    sizes: {type: 'string', default: '1000,50000'},
    only: {type: 'string', default: 'speed,memory,quota,crowd'},
    json: {type: 'boolean', default: false},
    /** A folder for the figures as JSON and as text. */
    results: {type: 'string'},
  },
})
const only = new Set(flags.only.split(','))
const GOOGLE = 6000
const CONFIGURED = 4800
const GET = 20
const MB = 1e6
const UNLIMITED = 1e12

interface Measured extends ReaderResult {
  readonly server: StubStatistics
}

type Reader = Pick<ReaderRequest, 'what' | 'concurrency' | 'unitsPerMinute' | 'oneCommit'>

/** Every read has a server, a folder and a process of its own. */
async function measure(stub: StubOptions, reader: Reader): Promise<Measured> {
  const server = start('gmail-stub.ts', stub)
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-bench-'))
  try {
    const [url] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string]
    const child = start('gmail-reader.ts', {...reader, url: url.trim(), folder})
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`the reader ended with exit code ${code}`)
    const result = JSON.parse(output) as ReaderResult
    if (result.messages !== stub.messages) throw new Error(`${result.messages} of ${stub.messages} messages came`)
    const statistics = (await (await fetch(`${url.trim()}/statistics`)).json()) as StubStatistics
    return {...result, server: statistics}
  } finally {
    server.stdin.end()
    await once(server, 'close')
    await rm(folder, {recursive: true})
  }
}

function start(file: string, argument: object) {
  return spawn(process.execPath, [join(import.meta.dirname, file), JSON.stringify(argument)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

/** Taking turns with the floor, because the machine may be shared. */
async function speed(what: 'production' | 'dry-run', latency: number) {
  const floors: Measured[] = []
  const runs: Measured[] = []
  const stub = {messages: 5000, days: 365, unitsPerMinute: 0, latency}
  for (let repeat = 0; repeat < Number(flags.repeats); repeat += 1) {
    const common = {concurrency: 10, unitsPerMinute: UNLIMITED}
    floors.push(await measure(stub, {...common, what: 'floor'}))
    runs.push(await measure(stub, {...common, what}))
  }
  const perSecond = (all: readonly Measured[]): number =>
    Math.round(median(all.map((one) => one.messages / one.seconds)))
  const ratio = (of: 'seconds' | 'cpuSeconds'): number =>
    round(median(floors.map((floor, index) => floor[of] / (runs[index]?.[of] ?? Infinity))))
  return {
    run: what,
    'ms of latency': latency,
    'messages/s': perSecond(runs),
    'bare fetch/s': perSecond(floors),
    'of the floor': ratio('seconds'),
    'by CPU': ratio('cpuSeconds'),
  }
}

async function memory(messages: number) {
  const stub = {messages, days: 1825, unitsPerMinute: 0, latency: 0}
  const reader = {concurrency: 4, unitsPerMinute: UNLIMITED, oneCommit: true}
  const dry = await measure(stub, {...reader, what: 'dry-run'})
  const {peakBytes, peakBytesBeforeCommit, server} = await measure(stub, {...reader, what: 'production'})
  return {
    messages,
    'MB, dry run': Math.round(dry.peakBytes / MB),
    'MB before the commit': Math.round(peakBytesBeforeCommit / MB),
    'MB with one commit of all': Math.round(peakBytes / MB),
    'requests per message': round((server.lists + server.gets) / messages, 3),
  }
}

/** `configured`: what the user tells lorchestra that the quota is. */
async function quota(configured: number, minutes: number, latency: number) {
  const rate = Math.min(configured, GOOGLE)
  const messages = Math.floor((rate * minutes) / GET)
  const stub = {messages, days: 365, unitsPerMinute: GOOGLE, latency}
  const {seconds, server} = await measure(stub, {what: 'production', concurrency: 4, unitsPerMinute: configured})
  return {
    'units a minute, configured': configured,
    allowed: GOOGLE,
    messages,
    minutes: round(seconds / 60),
    'share used': round(server.units / ((rate * seconds) / 60), 3),
    'busiest minute': server.busiestMinute,
    refused: server.refused,
    'requests per message': round((server.lists + server.gets) / messages, 3),
  }
}

const report = {
  schema: 1,
  machine: {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    load: loadavg()[0]?.toFixed(1),
  },
  speed: [] as Awaited<ReturnType<typeof speed>>[],
  memory: [] as Awaited<ReturnType<typeof memory>>[],
  quota: [] as Awaited<ReturnType<typeof quota>>[],
}
if (only.has('speed')) {
  for (const latency of [0, 50])
    for (const what of ['dry-run', 'production'] as const) report.speed.push(await speed(what, latency))
}
if (only.has('memory')) for (const size of flags.sizes.split(',').map(Number)) report.memory.push(await memory(size))
const minutes = Number(flags.minutes)
if (only.has('quota')) report.quota.push(await quota(CONFIGURED, minutes, 100))
// Somebody else uses the quota too, or the user believes that it is larger than it is.
if (only.has('crowd')) report.quota.push(await quota(2.5 * GOOGLE, minutes / 2, 100))

/** Each list of rows as a table. */
function asText(): string {
  const {machine} = report
  const command = ['npm run bench:gmail --', ...process.argv.slice(2)].join(' ')
  const tables = [report.speed, report.memory, report.quota].filter((rows) => rows.length > 0)
  return [
    `${command} on ${machine.cpus} x ${machine.model}, node ${machine.node}; load ${machine.load}`,
    ...tables.map((rows) =>
      plainTable([Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row).map(String))]),
    ),
  ].join('\n\n')
}

const json = JSON.stringify(report, null, 2)
console.log(flags.json ? json : asText())
if (flags.results !== undefined) {
  await mkdir(flags.results, {recursive: true})
  await writeFile(join(flags.results, 'gmail.json'), `${json}\n`)
  await writeFile(join(flags.results, 'gmail.txt'), `${asText()}\n`)
}
