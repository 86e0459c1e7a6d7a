import {chmod, mkdir} from 'node:fs/promises'
import {join} from 'node:path'

import {startContainer} from './container.ts'
import type {ControlPlane} from './control-plane.ts'
import type {Image} from './image.ts'
import {NODE} from './node.ts'

/** Where the example mounts it. */
export const STATE = '/var/lib/lorchestra'
/** Where the image of the proof has its plugin. */
export const PLUGIN = '/image/plugin'
/** The user of examples/Containerfile. */
const USER = 1000

/** The volume that the example claims; whoever runs a cluster has something that makes them. */
export async function createStateVolume({api}: ControlPlane, folder: string): Promise<string> {
  const path = join(folder, 'state')
  await mkdir(path)
  const onNode = {matchExpressions: [{key: 'kubernetes.io/hostname', operator: 'In', values: [NODE]}]}
  await api.create('/api/v1/persistentvolumes', {
    metadata: {name: 'state'},
    spec: {
      capacity: {storage: '1Gi'},
      accessModes: ['ReadWriteMany'],
      local: {path},
      nodeAffinity: {required: {nodeSelectorTerms: [onNode]}},
    },
  })
  return path
}

/** Plugins are beside the tokens, so on the volume: put there once, by a container of the same image. */
export async function linkPlugin(image: Image, state: string, temporary: string): Promise<void> {
  await chmod(state, 0o777)
  const container = await startContainer({
    image,
    host: 'setup',
    user: USER,
    group: USER,
    args: ['plugins', 'link', PLUGIN, '--no-install'],
    env: {},
    mounts: [{source: state, target: STATE, writable: true}],
    temporary,
  })
  container.stdout.resume()
  const {code, stderr} = await container.ended
  if (code !== 0) throw new Error(`the plugin could not be linked: ${stderr}`)
}
