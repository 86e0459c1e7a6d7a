import {spawn, spawnSync, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {createInterface} from 'node:readline'
import {setTimeout as delay} from 'node:timers/promises'
import {parseArgs} from 'node:util'

import {freePort} from '../test/support/bigquery/emulator.ts'
import {query} from '../test/support/database.ts'
import {Random} from '../test/support/chaos/random.ts'
import {createProject, homeWith, type Project} from '../test/support/external-source.ts'
import {environmentOf, PROGRAM} from '../test/support/program.ts'

/**
 * Has a real engine, Temporal's server, run jobs over several tasks, kills a third of the attempts, and compares what is stored
 * then with what one run of all jobs stores.
 */
const {values} = parseArgs({
  options: {
    jobs: {type: 'string', default: '40'},
    tasks: {type: 'string', default: '8'},
    seed: {type: 'string', default: '5'},
  },
})
const [jobs, tasks, seed] = [values.jobs, values.tasks, values.seed].map(Number) as [number, number, number]
const JOBS_OF_ACCOUNT = 2
const DAYS = 40
const RECORDS_OF_DAY = 25
const DAY = 86_400_000
/** Milliseconds. */
const DAY_TAKES = 40
const KILLED_SHARE = 1 / 3
const MOST_ATTEMPTS = 30
const root = resolve(import.meta.dirname, '..')

interface Attempt {
  readonly task: number
  readonly attempt: number
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
}

const from = Math.floor(Date.now() / DAY) - DAYS
const home = await homeWith({name: 'slow', files: {'source.js': slowSource()}})
const [shared, alone] = await Promise.all([newProject(), newProject()])
const hosts = hostNames()
console.log(
  `seed ${seed}, ${jobs} jobs over ${tasks} tasks, ${hosts.length === 0 ? 'one host name' : 'each attempt on a host name of its own'}`,
)
const single = await alone.run(['run', 'job_*', '--concurrency', '8'])
if (single.code !== 0) throw new Error(`the single run ended with ${single.code}: ${single.stderr}`)

const folder = await mkdtemp(join(tmpdir(), 'lorchestra-temporal-'))
const {server, address} = await startServer()
let attempts: readonly Attempt[]
try {
  attempts = await runTasks(address)
} finally {
  server.kill()
  await once(server, 'exit')
  await rm(folder, {recursive: true, force: true})
}

const killed = attempts.filter(({signal}) => signal === 'SIGKILL')
console.log(`${attempts.length} attempts, ${killed.length} of them killed`)
for (const {task, attempt, code, stderr} of attempts) {
  if (code !== null && code !== 0) throw new Error(`attempt ${attempt} of task ${task} ended with ${code}: ${stderr}`)
}
if (killed.length === 0) throw new Error('nothing was killed, so nothing is proved: take another seed')
const [rows, expected] = await Promise.all([rowsOf(shared), rowsOf(alone)])
if (JSON.stringify(rows) !== JSON.stringify(expected))
  throw new Error(`${rows.length} rows differ from the ${expected.length} of one run`)
const wanted = jobs * DAYS * RECORDS_OF_DAY
if (rows.length !== wanted) throw new Error(`${rows.length} rows are stored, not ${wanted}`)
const [log] = await query(
  shared.database,
  `SELECT count(*) FILTER (event_type = 'job.started')::INTEGER AS started,
          count(*) FILTER (event_type = 'job.completed')::INTEGER AS completed,
          count(*) FILTER (event_type = 'job.failed' AND error_message LIKE 'its task was begun anew%')::INTEGER AS taken_over,
          count(*) FILTER (event_type = 'job.failed' AND error_message NOT LIKE 'its task was begun anew%')::INTEGER AS failed
   FROM event_log`,
)
console.log(`${rows.length} rows, the same as of one run; runs in the event log: ${JSON.stringify(log)}`)
if (log?.['failed'] !== 0 || log['started'] !== Number(log['completed']) + Number(log['taken_over'])) {
  throw new Error('a run ended that nobody killed, or none took the streams of one that was killed')
}

async function rowsOf({database}: Project): Promise<readonly unknown[]> {
  return query(database, 'SELECT idem_key, payload FROM raw_objects ORDER BY idem_key')
}

async function newProject(): Promise<Project> {
  const names = Array.from({length: jobs}, (_, number) => String(number).padStart(3, '0'))
  const account = (number: number): string => `account_${Math.floor(number / JOBS_OF_ACCOUNT)}`
  const accounts = new Set(names.map((_, number) => account(number)))
  return createProject({
    home,
    yaml: `accounts:
${[...accounts].map((name) => `  ${name}: {source: slow}\n`).join('')}jobs:
${names
  .map(
    (name, number) =>
      `  job_${name}: {account: ${account(number)}, kind: kind_${number % JOBS_OF_ACCOUNT}, from: ${from}, start: ${new Date(from * DAY).toISOString()}}\n`,
  )
  .join('')}`,
  })
}

/** A day of records takes it a while. */
function slowSource(): string {
  return `
const validate = (value) => ({value})
export default {
  apiVersion: 1,
  name: 'slow',
  summary: 'records of days',
  options: {'~standard': {version: 1, vendor: 'slow', validate}},
  defaults: {slice: '1d'},
  streams: ({kind}) => [{objectType: kind, windowed: true}],
  idemKey: (record, {objectType, sourceSystem}) => objectType + ':' + sourceSystem + ':' + record.id,
  async *extract({options, window}) {
    for (let day = options.from; day < options.from + ${DAYS}; day += 1) {
      const at = day * ${DAY}
      if (at < (window.since?.getTime() ?? 0) || at >= window.until.getTime()) continue
      await new Promise((resolve) => setTimeout(resolve, ${DAY_TAKES}))
      yield {records: Array.from({length: ${RECORDS_OF_DAY}}, (_, n) => ({id: day + '-' + n, at: new Date(at).toISOString()}))}
    }
  },
}
`
}

/** Words that give what follows them a host name of its own, so that nobody sees whether it lives; none where that takes rights. */
function hostNames(): readonly string[] {
  const {status} = spawnSync('unshare', ['--uts', 'true'])
  return status === 0 ? ['unshare', '--uts', 'sh', '-c', 'hostname "$WORKER_HOST" && exec "$@"', 'sh'] : []
}

async function startServer(): Promise<{readonly server: ChildProcess; readonly address: string}> {
  const port = await freePort()
  const program = join(root, '.cache/temporal/bin/temporal')
  const args = [
    'server',
    'start-dev',
    '--headless',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--log-level',
    'never',
  ]
  const started = spawn(program, args, {stdio: ['ignore', 'ignore', 'inherit'], env: {...process.env, HOME: folder}})
  const deadline = Date.now() + 60_000
  while (!(await answers(port))) {
    if (started.exitCode !== null || Date.now() > deadline) throw new Error('the server of Temporal did not start')
    await delay(100)
  }
  return {server: started, address: `127.0.0.1:${port}`}
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({host: '127.0.0.1', port})
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function runTasks(at: string): Promise<readonly Attempt[]> {
  const random = new Random(seed)
  const kill = (): object | null =>
    random.chance(KILLED_SHARE)
      ? {job: random.integer(0, Math.max(0, Math.floor(jobs / tasks) - 1)), after: random.integer(0, DAYS * DAY_TAKES)}
      : null
  const kills = Array.from({length: tasks}, () => Array.from({length: MOST_ATTEMPTS}, kill))
  const command = [...hosts, process.execPath, PROGRAM, 'run', 'job_*']
  const {folder: cwd} = shared
  const work = {address: at, count: tasks, command, env: environmentOf(home), cwd, kills}
  const worker = spawn(process.execPath, [join(root, 'test/support/temporal/worker.js'), JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(worker, 'close')
  const seen: Attempt[] = []
  for await (const line of createInterface({input: worker.stdout})) {
    const attempt = JSON.parse(line) as Attempt
    seen.push(attempt)
    console.log(`task ${attempt.task}, attempt ${attempt.attempt}: ${attempt.code ?? attempt.signal}`)
  }
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw new Error(`Temporal's workflow failed: ${seen.at(-1)?.stderr ?? ''}`)
  return seen
}
