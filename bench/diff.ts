import {spawn} from 'node:child_process'
import {mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {parseArgs} from 'node:util'

import {plainTable} from './plain-table.ts'
import {clinicEnv, clinicYaml} from '../test/support/clinic-yaml.ts'
import {startEntraServer} from '../test/support/entra-server.ts'
import {environmentOf, PROGRAM} from '../test/support/program.ts'
import {startPageServer} from './dataverse-server.ts'

/**
 * A dry run of contacts of about 1 KB that are stored already, without and with --diff, by all processes together (the sum of
 * their PSS), and for how long at a time the database is kept from whoever wants to write to it (Linux).
 */
const {values: flags} = parseArgs({
  options: {rows: {type: 'string', default: '1000000'}, 'page-size': {type: 'string', default: '5000'}},
})
const rows = Number(flags.rows)
const TICKS_A_SECOND = 100
const LOOK_EVERY = 100

interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMB: number
  /** The longest time for which the database was locked. */
  readonly heldSeconds: number
}

const folder = await mkdtemp(join(tmpdir(), 'lorchestra-bench-'))
const entra = await startEntraServer(folder)
const server = await startPageServer({rows, pageSize: Number(flags['page-size'])})
try {
  const config = join(folder, 'lorchestra.yaml')
  const database = join(folder, 'bench.duckdb')
  const jobs = {contacts: `entity: contact, page_size: ${flags['page-size']}, start: 2026-01-01, slice: 520w`}
  await writeFile(config, clinicYaml({url: server.url, entra, database, jobs}))
  const line = ['run', 'contacts', '--json', '--config', config]
  const first = await measure([...line, '--dry-run', '--diff'])
  const load = await measure(line)
  const dry = await measure([...line, '--dry-run', '--full'])
  const diff = await measure([...line, '--dry-run', '--full', '--diff'])
  const plan = join(folder, 'bench.lorplan')
  const planned = await measure([...line, '--dry-run', '--full', '--diff', '--out', plan])
  const applied = await measure(['apply', plan, '--json', '--config', config])
  const rowOf = (name: string, {seconds, cpuSeconds, peakMB, heldSeconds}: Measured) => [
    name,
    seconds.toFixed(1),
    cpuSeconds.toFixed(1),
    peakMB.toFixed(0),
    heldSeconds.toFixed(1),
  ]
  console.log(`npm run bench:diff -- ${process.argv.slice(2).join(' ')}`)
  console.log(
    plainTable([
      [`${rows} rows`, 'seconds', 'CPU seconds', 'peak MB', 'longest lock in seconds'],
      rowOf('dry run with --diff, nothing stored', first),
      rowOf('run', load),
      rowOf('dry run, all stored and unchanged', dry),
      rowOf('the same with --diff', diff),
      rowOf('the same with --diff --out', planned),
      rowOf('apply', applied),
    ]),
  )
  console.log(`--diff takes ${(diff.cpuSeconds / dry.cpuSeconds).toFixed(2)} times the CPU of the dry run without it`)
} finally {
  await server.close()
  await entra.close()
  await rm(folder, {recursive: true})
}

async function measure(line: readonly string[]): Promise<Measured> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [PROGRAM, ...line], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environmentOf(folder, clinicEnv(entra)),
  })
  const printed = text(child.stdout)
  const times = new Map<number, number>()
  let peak = 0
  let [lockedSince, held] = [Infinity, 0]
  const looking = setInterval(() => {
    void look(child.pid ?? 0, times).then((bytes) => (peak = Math.max(peak, bytes)))
    void isLocked(join(folder, 'bench.duckdb')).then((locked) => {
      const now = performance.now()
      lockedSince = locked ? Math.min(lockedSince, now) : Infinity
      held = Math.max(held, now - lockedSince)
    })
  }, LOOK_EVERY)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve)
  })
  clearInterval(looking)
  if (code !== 0) throw new Error(`${line.join(' ')} ended with ${code}: ${await printed}`)
  const cpuSeconds = [...times.values()].reduce((sum, seconds) => sum + seconds, 0)
  return {seconds: (performance.now() - startedAt) / 1000, cpuSeconds, peakMB: peak / 1e6, heldSeconds: held / 1000}
}

/** Keeps what each process has taken so far, and answers with the bytes that all of them hold at this moment. */
async function look(pid: number, times: Map<number, number>): Promise<number> {
  try {
    const line = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    times.set(pid, (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND)
    // What several processes have in memory together (Node's own code) counts once.
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
    let bytes = Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024
    for (const task of await readdir(`/proc/${pid}/task`)) {
      const children = await readFile(`/proc/${pid}/task/${task}/children`, 'utf8')
      for (const child of children.split(' ').filter(Boolean)) bytes += await look(Number(child), times)
    }
    return bytes
  } catch (error) {
    // It has just ended.
    if (['ENOENT', 'ESRCH'].includes(String((error as {code?: unknown}).code))) return 0
    throw error
  }
}

async function isLocked(path: string): Promise<boolean> {
  try {
    const {ino} = await stat(path)
    const locks = await readFile('/proc/locks', 'utf8')
    return locks.split('\n').some((line) => line.split(/\s+/)[5]?.endsWith(`:${ino}`) === true)
  } catch (error) {
    // It is made by the first run.
    if ((error as {code?: unknown}).code === 'ENOENT') return false
    throw error
  }
}
