import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {fileURLToPath} from 'node:url'

import {activityInfo, heartbeat} from '@temporalio/activity'
import {Client, Connection} from '@temporalio/client'
import {NativeConnection, Runtime, Worker} from '@temporalio/worker'

import {killWhileReading} from '../tasks/kills.ts'

/**
 * Has Temporal run tasks, each attempt a process of its own, and kills some of them. Prints a line of JSON for each attempt.
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
  killWhileReading({stdout: child.stdout, kill: () => child.kill('SIGKILL')}, kills[index]?.[attempt - 1] ?? null)
  const beating = setInterval(() => heartbeat(), 1000)
  const [code, signal] = await once(child, 'close')
  clearInterval(beating)
  process.stdout.write(`${JSON.stringify({task: index, attempt, code, signal, stderr})}\n`)
  if (code !== 0) throw new Error(`ended with ${code ?? signal}`)
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
