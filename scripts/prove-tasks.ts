import {parseArgs} from 'node:util'

import {query} from '../test/support/database.ts'
import {createProject, homeWith, writeExternalSource} from '../test/support/external-source.ts'
import {startKubernetes} from '../test/support/kubernetes/engine.ts'
import type {Attempt, TaskEngine} from '../test/support/tasks/engine.ts'
import {planKills} from '../test/support/tasks/kills.ts'
import {JOB_TAKES, RECORDS_OF_JOB, SLOW_SOURCE, slowJobs} from '../test/support/tasks/slow-jobs.ts'
import {startTemporal} from '../test/support/temporal/engine.ts'

/**
 * Has a real engine run jobs over several tasks, kills a third of the attempts, and compares what is stored then with what one
 * run of all jobs stores.
 */
const ENGINES: Readonly<Record<string, () => Promise<TaskEngine>>> = {
  temporal: startTemporal,
  kubernetes: startKubernetes,
}
const {values} = parseArgs({
  options: {
    engine: {type: 'string', default: 'temporal'},
    jobs: {type: 'string', default: '40'},
    tasks: {type: 'string', default: '8'},
    seed: {type: 'string', default: '5'},
  },
})
const [jobs, tasks, seed] = [values.jobs, values.tasks, values.seed].map(Number) as [number, number, number]
const start = ENGINES[values.engine]
if (start === undefined) throw new Error(`--engine is one of ${Object.keys(ENGINES).join(', ')}`)

console.log(`${values.engine}, seed ${seed}, ${jobs} jobs over ${tasks} tasks`)
const args = ['run', 'gmail_*']
const {yaml, env} = slowJobs(jobs)
const alone = await createProject({home: await homeWith(SLOW_SOURCE), yaml})
await alone.write('.env', env)
const single = await alone.run([...args, '--concurrency', '8'])
if (single.code !== 0) throw new Error(`the single run ended with ${single.code}: ${single.stderr}`)

const engine = await start()
const attempts: Attempt[] = []
try {
  const {database} = await engine.runTasks({
    tasks,
    args,
    yaml,
    env,
    plugin: await writeExternalSource(SLOW_SOURCE),
    seed,
    kills: planKills({seed, tasks, jobsOfTask: Math.floor(jobs / tasks), jobTakes: JOB_TAKES}),
    tell: console.log,
    onAttempt(attempt) {
      attempts.push(attempt)
      console.log(`task ${attempt.task}, attempt ${attempt.attempt}: ${attempt.code ?? attempt.signal}`)
      if (attempt.code !== null && attempt.code !== 0) console.log(attempt.stderr)
    },
  })
  assertNoneFailed()
  await assertSameRows(database)
  await assertTakenOver(database)
} finally {
  await engine.stop()
}

function assertNoneFailed(): void {
  const killed = attempts.filter(({signal}) => signal === 'SIGKILL')
  console.log(`${attempts.length} attempts, ${killed.length} of them killed`)
  for (const {task, attempt, code, stderr} of attempts) {
    if (code !== null && code !== 0) throw new Error(`attempt ${attempt} of task ${task} ended with ${code}: ${stderr}`)
  }
  if (killed.length === 0) throw new Error('nothing was killed, so nothing is proved: take another seed')
}

async function assertSameRows(database: string): Promise<void> {
  const rowsOf = async (file: string): Promise<readonly unknown[]> =>
    query(file, 'SELECT idem_key, payload FROM raw_objects ORDER BY idem_key')
  const [rows, expected] = await Promise.all([rowsOf(database), rowsOf(alone.database)])
  if (JSON.stringify(rows) !== JSON.stringify(expected))
    throw new Error(`${rows.length} rows differ from the ${expected.length} of one run`)
  const wanted = jobs * RECORDS_OF_JOB
  if (rows.length !== wanted) throw new Error(`${rows.length} rows are stored, not ${wanted}`)
  console.log(`${rows.length} rows, the same as of one run`)
}

async function assertTakenOver(database: string): Promise<void> {
  const [log] = await query(
    database,
    `SELECT count(*) FILTER (event_type = 'job.started')::INTEGER AS started,
            count(*) FILTER (event_type = 'job.completed')::INTEGER AS completed,
            count(*) FILTER (event_type = 'job.failed' AND error_message LIKE 'its task was begun anew%')::INTEGER AS taken_over,
            count(*) FILTER (event_type = 'job.failed' AND error_message NOT LIKE 'its task was begun anew%')::INTEGER AS failed,
            count(DISTINCT payload->>'job') FILTER (event_type = 'job.completed')::INTEGER AS jobs,
            count(DISTINCT payload->>'claim')::INTEGER AS claims,
            count(DISTINCT payload->'process'->>'host')::INTEGER AS hosts
     FROM event_log`,
  )
  console.log(`runs in the event log: ${JSON.stringify(log)}`)
  if (log?.['failed'] !== 0 || log['started'] !== Number(log['completed']) + Number(log['taken_over'])) {
    throw new Error('a run ended that nobody killed, or none took the streams of one that was killed')
  }
  if (log['taken_over'] === 0) throw new Error('no attempt was killed within a run: take another seed')
  if (log['jobs'] !== jobs) throw new Error(`${JSON.stringify(log['jobs'])} jobs were completed, not ${jobs}`)
  if (log['claims'] !== tasks)
    throw new Error(`the runs had ${JSON.stringify(log['claims'])} claims, not one for each task`)
}
