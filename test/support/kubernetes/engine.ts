import {chmod, mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import type {TaskEngine, TaskWork} from '../tasks/engine.ts'
import {startControlPlane, type ControlPlane} from './control-plane.ts'
import {applyExample, exchangeConfiguration, readExample, runJob} from './example.ts'
import {imageOfExample, type Image} from './image.ts'
import {runNode} from './node.ts'
import {plannedPods, type PlannedPods} from './planned-pods.ts'
import {createStateVolume, linkPlugin, PLUGIN, STATE} from './state-volume.ts'

const WAREHOUSE = `warehouse: {type: duckdb, path: ${STATE}/lorchestra.duckdb}\n`
/** The Job whose attempts are killed. */
const PROOF = 'proof'
/** A Job that begins when its jobs are in the configuration no more. */
const REFUSED = 'refused'

/** Starts Kubernetes' own API server, controllers and scheduler; each task is an index of the Job of the example. */
export async function startKubernetes(): Promise<TaskEngine> {
  if (process.getuid?.() !== 0)
    throw new Error('only root may give processes a root, volumes and a host name of their own')
  const folder = await mkdtemp(join(tmpdir(), 'lorchestra-kubernetes-'))
  // The user in a container looks up its files here.
  await chmod(folder, 0o755)
  const plane = await startControlPlane(folder)
  return {
    runTasks: async (work) => runTasks(work, plane, folder),
    async stop() {
      await plane.stop()
      await rm(folder, {recursive: true, force: true})
    },
  }
}

async function runTasks(work: TaskWork, plane: ControlPlane, folder: string): Promise<{readonly database: string}> {
  const {retries} = await exampleOf(work)
  const example = await imageOfExample(folder)
  const image = {...example, layers: [...example.layers, {source: work.plugin, target: PLUGIN, writable: false}]}
  const state = await createStateVolume(plane, folder)
  await linkPlugin(image, state, folder)
  const pods = plannedPods(work, {job: PROOF, retries})
  await besideNode({plane, image, folder, pods}, async () => {
    await applyExample(plane, {folder, yaml: `${WAREHOUSE}${work.yaml}`, env: work.env})
    await assertCompleted(work, plane, folder)
    await exchangeConfiguration(plane, {folder, yaml: 'jobs: {}\n'})
    await assertRefusedOnce(work, pods, plane, folder)
  })
  return {database: join(state, 'lorchestra.duckdb')}
}

async function exampleOf({tasks, args}: TaskWork): ReturnType<typeof readExample> {
  const example = await readExample()
  if (example.completions !== tasks) throw new Error(`the example has ${example.completions} tasks, not ${tasks}`)
  const says = example.args.join(' ')
  if (says !== [...args, '--task', 'auto'].join(' ')) throw new Error(`the example says ${says}`)
  return example
}

async function besideNode(
  {plane, image, folder, pods}: {plane: ControlPlane; image: Image; folder: string; pods: PlannedPods},
  work: () => Promise<void>,
): Promise<void> {
  const stopped = new AbortController()
  const node = runNode({api: plane.api, image, folder, ...pods}, stopped.signal)
  try {
    // The node ends by itself only where it fails.
    await Promise.race([work(), node])
  } finally {
    stopped.abort()
  }
  await node
}

async function assertCompleted({tasks, tell}: TaskWork, plane: ControlPlane, folder: string): Promise<void> {
  const {succeeded, completedIndexes} = await runJob(plane, PROOF, folder)
  tell(`Kubernetes says of the Job: ${succeeded} succeeded, indexes ${completedIndexes}`)
  if (completedIndexes !== `0-${tasks - 1}`) throw new Error('not every index was completed')
}

/** No retry helps a configuration that is wrong, so the example has each index fail at once. */
async function assertRefusedOnce(
  {tasks, tell}: TaskWork,
  {unplanned}: PlannedPods,
  plane: ControlPlane,
  folder: string,
): Promise<void> {
  const {failedIndexes} = await runJob(plane, REFUSED, folder)
  tell(`with a configuration that has no such jobs, indexes ${failedIndexes} failed, in ${unplanned.length} attempts`)
  if (unplanned.length !== tasks || unplanned.some((code) => code !== 2))
    throw new Error(`they ended with ${unplanned.join(', ')}`)
}
