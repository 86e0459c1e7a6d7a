import {createHash} from 'node:crypto'
import {existsSync, realpathSync, renameSync} from 'node:fs'
import {mkdir, readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {hasCode} from '../../base/system-error.ts'

/** Names the lorchestra.yaml that the secrets beside it belong to. */
const BELONGS_TO = 'belongs-to'

const LOCK = '.json.lock'

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** The folder that all files of a ConfigMap are links into. Kubernetes makes another for each Pod and each change. */
const EXCHANGED_FOLDER = /\/\.\.\d{4}(?:_\d\d){5}\.\d+(?=\/)/

/** Gives the path that stays the file's own: without links, but for those that Kubernetes lays anew each time. */
const lastingPath = (configPath: string): string => realpathSync(configPath).replace(EXCHANGED_FOLDER, '')

/** Names what is kept for a lorchestra.yaml, by whatever links it is reached. */
export const fingerprintOf = (configPath: string): string => fingerprint(lastingPath(configPath))

/** The file itself has the secrets, by whatever links it is reached. What was kept under another spelling moves there. */
export function secretsFolder(dataDir: string, configPath: string): string {
  const folder = join(dataDir, 'secrets', fingerprintOf(configPath))
  const spelled = join(dataDir, 'secrets', fingerprint(configPath))
  if (spelled !== folder && existsSync(spelled) && !existsSync(folder)) renameSync(spelled, folder)
  return folder
}

export async function noteWhoseSecrets(folder: string, configPath: string): Promise<void> {
  await mkdir(folder, {recursive: true, mode: 0o700})
  await writeFile(join(folder, BELONGS_TO), `${lastingPath(configPath)}\n`, {mode: 0o600})
}

export interface MovedSecrets {
  /** The lorchestra.yaml that they were kept for, which is gone. */
  readonly configPath: string
  readonly folder: string
}

/** Finds secrets of this name that were kept for a lorchestra.yaml that is no longer where it was. */
export async function findMovedSecrets(dataDir: string, name: string): Promise<readonly MovedSecrets[]> {
  const all = join(dataDir, 'secrets')
  const moved: MovedSecrets[] = []
  for (const entry of await namesIn(all)) {
    const folder = join(all, entry)
    const configPath = await ownerOf(folder)
    if (configPath === undefined || existsSync(configPath) || !(await isFile(join(folder, name)))) continue
    moved.push({configPath, folder})
  }
  return moved
}

/** Names whose secrets are kept in a folder of accounts or of jobs. */
export const ownersIn = async (folder: string): Promise<readonly string[]> =>
  (await namesIn(folder)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))

/** Finds the locks of those whose secrets a process changes, or was killed while it did. */
export const locksIn = async (folder: string): Promise<readonly {readonly owner: string; readonly path: string}[]> =>
  (await namesIn(folder))
    .filter((name) => name.endsWith(LOCK))
    .map((name) => ({owner: name.slice(0, -LOCK.length), path: join(folder, name)}))

const namesIn = async (folder: string): Promise<readonly string[]> => unlessMissing(async () => readdir(folder), [])

const ownerOf = async (folder: string): Promise<string | undefined> =>
  unlessMissing(async () => (await readFile(join(folder, BELONGS_TO), 'utf8')).trim(), undefined)

const isFile = async (path: string): Promise<boolean> => unlessMissing(async () => (await stat(path)).isFile(), false)

async function unlessMissing<Value>(look: () => Promise<Value>, missing: Value): Promise<Value> {
  try {
    return await look()
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return missing
    throw error
  }
}
