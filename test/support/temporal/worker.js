import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'

import {activityInfo, heartbeat} from '@temporalio/activity'
import {Client, Connection} from '@temporalio/client'
import {NativeConnection, Runtime, Worker} from '@temporalio/worker'

/**
 * Has Temporal run tasks, each attempt a process of its own, and kills some of them. Prints a line of JSON for each attempt.
 * `kills[task][attempt - 1]` says in which of its jobs it is killed, and how many milliseconds after that began; or it is null.
 */
const {address, count, command, env, cwd, kills} = JSON.parse(process.argv[2])
const taskQueue = 'tasks'

async function runTask(index) {
  const {attempt, activityId, workflowExecution} = activityInfo()
  const [program, ...args] = command
  const child = spawn(program, [...args, '--task', `${index}/${count}`], {
    cwd,
    env: {
      ...env,
      WORKER_HOST: `worker-${index}-${attempt}`,
      LORCHESTRA_CLAIM: `temporal/${workflowExecution.workflowId}/${workflowExecution.runId}/${activityId}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  killWhileReading(child, kills[index]?.[attempt - 1] ?? null)
  const beating = setInterval(() => heartbeat(), 1000)
  const [code, signal] = await once(child, 'close')
  clearInterval(beating)
  process.stdout.write(`${JSON.stringify({task: index, attempt, code, signal, stderr})}\n`)
  if (code !== 0) throw new Error(`ended with ${code ?? signal}`)
}

function killWhileReading(child, kill) {
  let begun = 0
  createInterface({input: child.stdout}).on('line', (line) => {
    if (!/^job_\d+ \(/.test(line)) return
    if (begun === kill?.job) setTimeout(() => child.kill('SIGKILL'), kill.after)
    begun += 1
  })
}

Runtime.install({logger: {log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {}}})
const worker = await Worker.create({
  connection: await NativeConnection.connect({address}),
  taskQueue,
  workflowsPath: fileURLToPath(new URL('workflow.js', import.meta.url)),
  activities: {runTask},
})
const client = new Client({connection: await Connection.connect({address})})
await worker.runUntil(client.workflow.execute('runTasks', {args: [count], taskQueue, workflowId: 'prove-tasks'}))
