import {setInterval} from 'node:timers/promises'

import {killWhileReading, type Kill} from '../tasks/kills.ts'
import type {KubernetesApi, Resource} from './api.ts'
import {startContainer, type ContainerEnd} from './container.ts'
import type {Image} from './image.ts'
import {fieldOf, type Pod} from './pod.ts'
import {mountsOf} from './volumes.ts'

export const NODE = 'this-machine'
/** Milliseconds; the node controller waits for a minute. */
const SIGN_OF_LIFE = 10_000
const KILLED = 137

/** What becomes of a Pod that nobody asked for. */
export interface Fate {
  readonly kill: Kill | null
  /** The node says that it evicted the Pod, as for want of memory, and not that the Pod failed. */
  readonly evicted: boolean
}

export interface NodeOptions {
  readonly api: KubernetesApi
  readonly image: Image
  readonly folder: string
  readonly fateOf: (pod: Pod) => Fate
  readonly onEnd: (pod: Pod, end: ContainerEnd) => void
}

/**
 * Stands for a node with its kubelet: runs the Pods that the scheduler gives it as processes of this machine, each with a host
 * name, a root, volumes and processes of its own. It pulls no image, limits no memory, restarts and stops nothing.
 * Resolves when the signal comes; rejects where it fails.
 */
export async function runNode(options: NodeOptions, signal: AbortSignal): Promise<void> {
  await register(options.api)
  try {
    await Promise.all([giveSignsOfLife(options.api, signal), runPods(options, signal)])
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function register(api: KubernetesApi): Promise<void> {
  const room = {cpu: '64', memory: '64Gi', pods: '110', 'ephemeral-storage': '64Gi'}
  await api.create('/api/v1/nodes', {metadata: {name: NODE, labels: {'kubernetes.io/hostname': NODE}}})
  await api.merge(`/api/v1/nodes/${NODE}/status`, {
    status: {
      capacity: room,
      allocatable: room,
      conditions: [{type: 'Ready', status: 'True', reason: 'Started', message: ''}],
    },
  })
  await api.create('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {
    metadata: {name: NODE},
    spec: {holderIdentity: NODE, leaseDurationSeconds: 40, renewTime: preciseNow()},
  })
}

async function giveSignsOfLife(api: KubernetesApi, signal: AbortSignal): Promise<void> {
  for await (const _ of setInterval(SIGN_OF_LIFE, undefined, {signal})) {
    await api.merge(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${NODE}`, {
      spec: {renewTime: preciseNow()},
    })
  }
}

/** Microseconds, as leases want them. */
const preciseNow = (): string => new Date().toISOString().replace('Z', '000Z')

async function runPods(options: NodeOptions, signal: AbortSignal): Promise<void> {
  const known = new Set<string>()
  const running = new Set<Promise<void>>()
  const failed = Promise.withResolvers<never>()
  const watched = async (): Promise<void> => {
    for await (const pod of options.api.watch<Pod>(`/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}`, signal)) {
      if (pod.metadata.deletionTimestamp !== undefined)
        throw new Error(`${pod.metadata.name} is to stop, and nobody here does that`)
      if (known.has(pod.metadata.uid)) continue
      known.add(pod.metadata.uid)
      const run = runPod(pod, options)
      running.add(run)
      run.then(() => running.delete(run), failed.reject)
    }
  }
  await Promise.race([watched(), failed.promise])
}

async function runPod(pod: Pod, options: NodeOptions): Promise<void> {
  const {api, image, folder} = options
  const {name, namespace = ''} = pod.metadata
  const [container] = pod.spec.containers
  const {runAsUser = 0, fsGroup = 0} = pod.spec.securityContext ?? {}
  const env = await environmentOf(pod, api)
  const mounts = await mountsOf(pod, {api, folder})
  const fate = options.fateOf(pod)
  const running = await startContainer({
    image,
    host: name,
    user: runAsUser,
    group: fsGroup,
    args: container.args ?? [],
    env,
    mounts,
    temporary: folder,
  })
  killWhileReading(running, fate.kill)
  const startedAt = now()
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`
  await api.merge(path, {
    status: {phase: 'Running', startTime: startedAt, ...containerIs(container, {running: {startedAt}})},
  })
  const end = await running.ended
  options.onEnd(pod, end)
  const exitCode = end.code ?? KILLED
  const terminated = {exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt, finishedAt: now()}
  await api.merge(path, {
    status: {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      ...containerIs(container, {terminated}),
      ...(end.signal !== null && fate.evicted && EVICTED),
    },
  })
}

const EVICTED = {
  reason: 'Evicted',
  message: 'The node was low on resource: memory.',
  conditions: [{type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet'}],
}

/** Whole seconds, as the API has them. */
const now = (): string => new Date().toISOString().replace(/\.\d+/, '')

const containerIs = ({name, image}: {readonly name: string; readonly image: string}, state: object): object => ({
  containerStatuses: [{name, image, imageID: image, ready: 'running' in state, restartCount: 0, state}],
})

async function environmentOf(pod: Pod, api: KubernetesApi): Promise<Readonly<Record<string, string>>> {
  const [{env = [], envFrom = []}] = pod.spec.containers
  const variables = new Map<string, string>()
  for (const {secretRef} of envFrom) {
    const {data} = await api.get<Resource & {readonly data: Readonly<Record<string, string>>}>(
      `/api/v1/namespaces/${pod.metadata.namespace}/secrets/${secretRef.name}`,
    )
    for (const [name, value] of Object.entries(data)) variables.set(name, Buffer.from(value, 'base64').toString())
  }
  for (const {name, value, valueFrom} of env) {
    variables.set(name, valueFrom === undefined ? (value ?? '') : fieldOf(pod, valueFrom.fieldRef.fieldPath))
  }
  return Object.fromEntries(variables)
}
