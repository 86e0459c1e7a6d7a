import {spawn, spawnSync, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, rm} from 'node:fs/promises'
import {connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {createInterface} from 'node:readline'
import {setTimeout as delay} from 'node:timers/promises'

import {freePort} from '../bigquery/emulator.ts'
import {createProject, linkPlugin} from '../external-source.ts'
import {environmentOf, PROGRAM} from '../program.ts'
import type {Attempt, TaskEngine, TaskWork} from '../tasks/engine.ts'

const root = resolve(import.meta.dirname, '../../..')

/** Starts Temporal's own server; each task is an activity of one workflow. */
export async function startTemporal(): Promise<TaskEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-temporal-'))
  const {server, address} = await startServer(folder)
  return {
    runTasks: async (work) => runTasks(work, {address, folder}),
    async stop() {
      server.kill()
      await once(server, 'exit')
      await rm(folder, {recursive: true, force: true})
    },
  }
}

async function startServer(home: string): Promise<{readonly server: ChildProcess; readonly address: string}> {
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
  const server = spawn(program, args, {stdio: ['ignore', 'ignore', 'inherit'], env: {...process.env, HOME: home}})
  const deadline = Date.now() + 60_000
  while (!(await answers(port))) {
    if (server.exitCode !== null || Date.now() > deadline) throw new Error('the server of Temporal did not start')
    await delay(100)
  }
  return {server, address: `127.0.0.1:${port}`}
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

async function runTasks(
  {tasks, args, yaml, env, plugin, kills, tell, onAttempt}: TaskWork,
  {address, folder}: {readonly address: string; readonly folder: string},
): Promise<{readonly database: string}> {
  const project = await createProject({home: folder, yaml})
  await linkPlugin(plugin, folder)
  await project.write('.env', env)
  const hosts = hostNames()
  if (hosts.length === 0) tell('all attempts have one host name: others take rights that this user has not')
  const command = [...hosts, process.execPath, PROGRAM, ...args]
  const work = {address, count: tasks, command, env: environmentOf(folder), cwd: project.folder, kills}
  const worker = spawn(process.execPath, [join(import.meta.dirname, 'worker.js'), JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(worker, 'close')
  let last: Attempt | undefined
  for await (const line of createInterface({input: worker.stdout})) {
    last = JSON.parse(line) as Attempt
    onAttempt(last)
  }
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw new Error(`Temporal's workflow failed: ${last?.stderr ?? ''}`)
  return {database: project.database}
}

/** Words that give what follows them a host name of its own, so that nobody sees whether it lives; none where that takes rights. */
function hostNames(): readonly string[] {
  const {status} = spawnSync('unshare', ['--uts', 'true'])
  return status === 0 ? ['unshare', '--uts', 'sh', '-c', 'hostname "$WORKER_HOST" && exec "$@"', 'sh'] : []
}
