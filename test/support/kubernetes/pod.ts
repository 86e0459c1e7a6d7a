import type {Resource} from './api.ts'

/** What of a Pod the stand-in for a kubelet reads; what it does not know, it refuses. */
export type Pod = Resource & {
  readonly spec: {
    readonly containers: readonly [PodContainer]
    readonly volumes?: readonly Volume[]
    readonly securityContext?: {readonly runAsUser?: number; readonly fsGroup?: number}
  }
  readonly status: {readonly phase?: string}
}

export interface PodContainer {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly env?: readonly Variable[]
  readonly envFrom?: readonly {readonly secretRef: {readonly name: string}}[]
  readonly volumeMounts?: readonly VolumeMount[]
}

export interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {readonly fieldRef: {readonly fieldPath: string}}
}

export interface VolumeMount {
  readonly name: string
  readonly mountPath: string
  readonly readOnly?: boolean
  readonly subPath?: string
}

export type Volume = {readonly name: string} & {
  readonly configMap?: {readonly name: string}
  readonly persistentVolumeClaim?: {readonly claimName: string}
  readonly emptyDir?: object
  readonly projected?: object
}

const INDEX = 'batch.kubernetes.io/job-completion-index'

/** The index that the Job controller gave to it. */
export const indexOf = ({metadata}: Pod): number => Number(metadata.annotations?.[INDEX])

/** Gives the value of a field by the path that the downward API knows it by. */
export function fieldOf(pod: Pod, path: string): string {
  const [, kind, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? []
  const value = kind === undefined ? undefined : pod.metadata[kind as 'labels' | 'annotations']?.[key ?? '']
  if (value === undefined) throw new Error(`a Pod has no ${path} that is known here`)
  return value
}

const JOB = 'batch.kubernetes.io/job-name'

export const jobOf = ({metadata}: Pod): string | undefined => metadata.labels?.[JOB]
