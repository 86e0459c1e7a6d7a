import {chmod, chown, mkdir, mkdtemp, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {KubernetesApi, Resource} from './api.ts'
import type {Mount} from './container.ts'
import type {Pod, Volume} from './pod.ts'

/** The sticky group, and all rights of it, as a kubelet sets them. */
const SHARED_BY_GROUP = 0o2775

/** Lays a Pod's volumes out in the folder as a kubelet does, and says what is mounted where. */
export async function mountsOf(
  pod: Pod,
  {api, folder}: {api: KubernetesApi; folder: string},
): Promise<readonly Mount[]> {
  const group = pod.spec.securityContext?.fsGroup ?? 0
  const places = new Map<string, string>()
  for (const volume of pod.spec.volumes ?? []) {
    const place = await placeOf(volume, {api, folder, group})
    if (place !== undefined) places.set(volume.name, place)
  }
  const mounts: Mount[] = []
  for (const {name, mountPath, readOnly = false, subPath} of pod.spec.containers[0].volumeMounts ?? []) {
    const place = places.get(name)
    if (place === undefined) continue
    const source = join(place, subPath ?? '')
    await mkdir(source, {recursive: true})
    if (subPath !== undefined) await shareWith(group, source)
    mounts.push({source, target: mountPath, writable: !readOnly})
  }
  return mounts
}

interface PlaceOptions {
  readonly api: KubernetesApi
  readonly folder: string
  readonly group: number
}

async function placeOf(volume: Volume, {api, folder, group}: PlaceOptions): Promise<string | undefined> {
  const {configMap, persistentVolumeClaim, emptyDir, projected} = volume
  if (configMap !== undefined)
    return configMapIn(await mkdtemp(join(folder, 'config-')), await api.get(inCore('configmaps', configMap.name)))
  if (persistentVolumeClaim !== undefined) {
    const claim = await api.get<Claim>(inCore('persistentvolumeclaims', persistentVolumeClaim.claimName))
    const {spec} = await api.get<PersistentVolume>(`/api/v1/persistentvolumes/${claim.spec.volumeName}`)
    return shareWith(group, spec.local.path)
  }
  if (emptyDir !== undefined) return shareWith(group, await mkdtemp(join(folder, 'empty-')))
  // The token for the API server, which lorchestra does not ask.
  if (projected !== undefined) return undefined
  throw new Error(`the volume ${volume.name} is of a kind that is not known here`)
}

type Claim = Resource & {readonly spec: {readonly volumeName: string}}
type PersistentVolume = Resource & {readonly spec: {readonly local: {readonly path: string}}}

const inCore = (kind: string, name: string): string => `/api/v1/namespaces/default/${kind}/${name}`

async function shareWith(group: number, folder: string): Promise<string> {
  await chown(folder, 0, group)
  await chmod(folder, SHARED_BY_GROUP)
  return folder
}

/** A kubelet exchanges all files of a ConfigMap at once: each is a link into a folder whose name it made of the time. */
async function configMapIn(
  folder: string,
  {data}: Resource & {readonly data?: Readonly<Record<string, string>>},
): Promise<string> {
  await chmod(folder, 0o755)
  const version = `..${new Date().toISOString().replaceAll(/[-:T]/g, '_').replace(/\..*/, '')}.${process.hrtime.bigint()}`
  await mkdir(join(folder, version))
  await symlink(version, join(folder, '..data'))
  for (const [name, text] of Object.entries(data ?? {})) {
    await writeFile(join(folder, version, name), text, {mode: 0o644})
    await symlink(join('..data', name), join(folder, name))
  }
  return folder
}
