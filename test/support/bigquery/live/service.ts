import {GoogleAuth} from 'google-auth-library'

import type {BigQueryOptions} from '../../../../src/warehouse/bigquery/warehouse.ts'
import {PROJECT, startEmulator, type Emulator} from '../emulator.ts'
import {chosenEmulator, type Cannot} from '../emulators.ts'
import type {DirectService} from '../under-test.ts'
import {startCeiling, type Spent} from './ceiling.ts'

const GOOGLE = 'https://bigquery.googleapis.com'
const NAME = 'lorchestra_live_'
const LABEL = 'lorchestra-live'
const HOUR = 3_600_000
/** A run of the suite takes less; milliseconds. */
const LONGEST_RUN = 6 * HOUR

export interface Settings {
  /** Google's own is tested where it is named. */
  readonly project?: string
  readonly location: string
  /** The origin of an emulator that runs already. */
  readonly endpoint?: string
  /** The name of one that is started for the suite. */
  readonly emulator?: string
  /** All statements together bill no more; bytes. */
  readonly ceiling: number
}

/** A service that the live suite runs on. */
export interface LiveService extends DirectService {
  /** As it stands in the report. */
  readonly name: string
  readonly isGoogle: boolean
  readonly spent: Spent
  readonly cannot: Cannot
  readonly connection: Omit<BigQueryOptions, 'dataset'>
  /** Gives an emulator that does not last its new start. */
  renew(): Promise<void>
  createDataset(more?: object): Promise<string>
  removeDataset(dataset: string): Promise<void>
  /** Removes what runs of this suite left that were killed, by label and age, and answers with the names. */
  removeLeftovers(now?: number): Promise<readonly string[]>
  /** Removes all that this one made and that is still there. */
  close(): Promise<void>
}

interface Listed {
  readonly datasets?: readonly {
    readonly datasetReference: {readonly datasetId: string}
    readonly labels?: Readonly<Record<string, string>>
  }[]
}

interface Answer {
  readonly jobComplete?: boolean
  readonly jobReference: {readonly jobId: string}
  readonly schema?: {readonly fields: readonly {readonly name: string}[]}
  readonly rows?: readonly {readonly f: readonly {readonly v: string | null}[]}[]
}

export async function openService(settings: Settings): Promise<LiveService> {
  const {location, endpoint} = settings
  const isGoogle = settings.project !== undefined
  const kind = settings.emulator === undefined || isGoogle ? undefined : chosenEmulator(settings.emulator)
  let emulator: Emulator | undefined = kind === undefined ? undefined : await startEmulator(kind)
  const project = settings.project ?? PROJECT
  const ceiling = await startCeiling(() => emulator?.url ?? endpoint ?? GOOGLE, settings.ceiling)
  const client = isGoogle
    ? await new GoogleAuth({scopes: ['https://www.googleapis.com/auth/bigquery']}).getClient()
    : undefined

  const made = new Set<string>()
  const call: DirectService['call'] = async (method, path, body) => {
    const authorization = (await client?.getRequestHeaders())?.get('authorization')
    const answer = await fetch(`${ceiling.url}/bigquery/v2/projects/${project}${path}`, {
      method,
      headers: {
        ...(typeof authorization === 'string' && {authorization}),
        ...(body !== undefined && {'content-type': 'application/json'}),
      },
      ...(body !== undefined && {body: JSON.stringify(body)}),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? undefined : (JSON.parse(text) as unknown)
  }
  const inLocation = isGoogle ? {location} : {}
  const service: LiveService = {
    name: isGoogle
      ? "Google's service"
      : kind === undefined
        ? `an emulator at ${endpoint}`
        : `${kind.name} ${kind.version}`,
    isGoogle,
    cannot: kind?.cannot ?? {},
    connection: {
      project,
      touchAfter: 0,
      ...(isGoogle ? {location, serviceEndpoint: ceiling.url} : {apiEndpoint: ceiling.url}),
    },
    get spent() {
      return ceiling.spent
    },
    call,
    async query(sql) {
      let answer = (await call('POST', '/queries', {
        query: sql,
        useLegacySql: false,
        ...inLocation,
        timeoutMs: 60_000,
      })) as Answer
      const again = `/queries/${answer.jobReference.jobId}?timeoutMs=60000${isGoogle ? `&location=${location}` : ''}`
      while (answer.jobComplete === false) answer = (await call('GET', again)) as Answer
      const names = answer.schema?.fields.map(({name}) => name) ?? []
      return (answer.rows ?? []).map(({f}) =>
        Object.fromEntries(names.map((name, index) => [name, f[index]?.v ?? null])),
      )
    },
    async renew() {
      if (emulator === undefined || kind?.isNewForEachTest !== true) return
      await emulator.stop()
      emulator = await startEmulator(kind)
      made.clear()
    },
    async createDataset(more = {}) {
      const dataset = `${NAME}${Date.now()}_${made.size}`
      const datasetReference = {projectId: project, datasetId: dataset}
      const labels = {[LABEL]: String(Date.now())}
      await call('POST', '/datasets', {datasetReference, labels, ...inLocation, ...more})
      made.add(dataset)
      return dataset
    },
    async removeDataset(dataset) {
      await call('DELETE', `/datasets/${dataset}?deleteContents=true`)
      made.delete(dataset)
    },
    async removeLeftovers(now = Date.now()) {
      const {datasets = []} = (await call('GET', `/datasets?maxResults=1000&filter=labels.${LABEL}`)) as Listed
      const removed: string[] = []
      for (const {datasetReference, labels} of datasets) {
        const {datasetId} = datasetReference
        const madeAt = Number(labels?.[LABEL] ?? NaN)
        if (!datasetId.startsWith(NAME) || !(now - madeAt > LONGEST_RUN)) continue
        await call('DELETE', `/datasets/${datasetId}?deleteContents=true`)
        removed.push(datasetId)
      }
      return removed
    },
    async close() {
      for (const dataset of made) await service.removeDataset(dataset)
      await ceiling.close()
      await emulator?.stop()
    },
  }
  return service
}

let opened: LiveService | undefined

/** The service of this process, which the suites run on. */
export const liveService = (): LiveService => {
  if (opened === undefined) throw new Error('these tests are run by `npm run test:bigquery:live`')
  return opened
}

export const useService = (service: LiveService): LiveService => (opened = service)
