import {execFile} from 'node:child_process'
import {generateKeyPairSync, randomUUID} from 'node:crypto'
import {existsSync} from 'node:fs'
import {mkdir, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {promisify} from 'node:util'

import {freePort} from '../bigquery/emulator.ts'
import {startService, type Service} from '../service.ts'
import {KubernetesApi} from './api.ts'

const built = resolve(import.meta.dirname, '../../../.cache/kubernetes')
const program = (name: string): string => join(built, 'bin', name)
const READY_WITHIN = 180_000

/** Kubernetes' own programs, without a node. */
export interface ControlPlane {
  readonly api: KubernetesApi
  /** Words are parted by blanks. */
  kubectl(words: string, folder: string): Promise<void>
  stop(): Promise<void>
}

/** Starts etcd, the API server, the controllers and the scheduler on free ports of this machine alone; all they keep is in the folder. */
export async function startControlPlane(folder: string): Promise<ControlPlane> {
  if (!existsSync(join(built, 'installed.txt'))) throw new Error('Kubernetes is not built: sh scripts/kubernetes.sh')
  const services: {readonly name: string; readonly service: Service}[] = []
  const start = (name: string, command: readonly string[]): Service => {
    const service = startService(command, {PATH: process.env['PATH'], HOME: folder})
    services.push({name, service})
    return service
  }
  const stop = async (): Promise<void> => {
    for (const {service} of services.toReversed()) await service.stop()
  }
  try {
    const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()]
    const etcd = `http://127.0.0.1:${etcdPort}`
    start('etcd', etcdCommand(folder, etcd, `http://127.0.0.1:${peerPort}`))
    const token = randomUUID()
    const {certificates, serviceAccountKey} = await writeCredentials(folder, token)
    start('kube-apiserver', apiServerCommand({folder, etcd, port, certificates, serviceAccountKey}))
    const url = `https://127.0.0.1:${port}`
    const certificate = join(certificates, 'apiserver.crt')
    const kubeconfig = join(folder, 'kubeconfig.json')
    await writeFile(kubeconfig, kubeconfigOf({url, token, certificate}), {mode: 0o600})
    const api = await untilReady({url, token, certificate}, services)
    const common = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0']
    start('kube-controller-manager', [
      program('kube-controller-manager'),
      ...common,
      `--service-account-private-key-file=${serviceAccountKey}`,
      `--root-ca-file=${certificate}`,
    ])
    start('kube-scheduler', [program('kube-scheduler'), ...common])
    return {
      api,
      async kubectl(words, cwd) {
        const options = {cwd, env: {PATH: process.env['PATH'], HOME: folder, KUBECONFIG: kubeconfig}}
        await promisify(execFile)(program('kubectl'), words.split(' '), options)
      },
      async stop() {
        await api.close()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const etcdCommand = (folder: string, clients: string, peers: string): readonly string[] => [
  join(built, 'python/bin/etcd'),
  `--data-dir=${join(folder, 'etcd')}`,
  `--listen-client-urls=${clients}`,
  `--advertise-client-urls=${clients}`,
  `--listen-peer-urls=${peers}`,
  `--initial-advertise-peer-urls=${peers}`,
  `--initial-cluster=default=${peers}`,
  // What it keeps is thrown away.
  '--unsafe-no-fsync',
]

function apiServerCommand(options: {
  folder: string
  etcd: string
  port: number
  certificates: string
  serviceAccountKey: string
}): readonly string[] {
  return [
    program('kube-apiserver'),
    `--etcd-servers=${options.etcd}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${options.port}`,
    `--cert-dir=${options.certificates}`,
    `--token-auth-file=${join(options.folder, 'tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${options.serviceAccountKey}`,
    `--service-account-signing-key-file=${options.serviceAccountKey}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    // It would refuse to offer an address that no other machine reaches.
    '--endpoint-reconciler-type=none',
  ]
}

async function writeCredentials(
  folder: string,
  token: string,
): Promise<{readonly certificates: string; readonly serviceAccountKey: string}> {
  const certificates = join(folder, 'certificates')
  await mkdir(certificates)
  const serviceAccountKey = join(certificates, 'service-accounts.pem')
  const {privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048})
  await writeFile(serviceAccountKey, privateKey.export({type: 'pkcs1', format: 'pem'}), {mode: 0o600})
  await writeFile(join(folder, 'tokens.csv'), `${token},proof,proof,system:masters\n`, {mode: 0o600})
  return {certificates, serviceAccountKey}
}

const kubeconfigOf = ({url, token, certificate}: {url: string; token: string; certificate: string}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{name: 'proof', cluster: {server: url, 'certificate-authority': certificate}}],
    users: [{name: 'proof', user: {token}}],
    contexts: [{name: 'proof', context: {cluster: 'proof', user: 'proof'}}],
    'current-context': 'proof',
  })

async function untilReady(
  at: {url: string; token: string; certificate: string},
  services: readonly {readonly name: string; readonly service: Service}[],
): Promise<KubernetesApi> {
  for (const deadline = Date.now() + READY_WITHIN; Date.now() < deadline; await delay(200)) {
    const ended = services.find(({service}) => service.hasEnded())
    if (ended !== undefined) throw new Error(`${ended.name} ended at once: ${ended.service.complaints()}`)
    if (!existsSync(at.certificate)) continue
    const api = await KubernetesApi.open(at)
    if (await api.isReady()) return api
    await api.close()
  }
  throw new Error('the API server did not start')
}
