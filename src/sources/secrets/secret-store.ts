import {AsyncLocalStorage} from 'node:async_hooks'
import {mkdir, readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'

import {failure, sourceBug} from '../../base/errors.ts'
import {withFileLock} from '../../base/file-lock.ts'
import {setMode} from '../../base/file-mode.ts'
import type {Mask} from '../../base/mask.ts'
import {NAME} from '../../model/name.ts'
import type {SecretChange, SecretStore} from '../../source.ts'
import {syncFolder} from '../../base/sync-folder.ts'
import {hasCode} from '../../base/system-error.ts'
import {assertStored, openDraft} from './secret-draft.ts'
import {inTurn} from '../../base/waiting.ts'

export interface SecretStoreOptions {
  /** The folder holds one file per account. */
  readonly folder: string
  readonly account: string
  readonly mask: Mask
  /** Called with the lock held, before a change is asked for. */
  readonly beforeChange?: () => Promise<void>
  /** Ends the wait for another process. A value that `change` returned is stored all the same. */
  readonly signal?: AbortSignal
  /**
   * Milliseconds to wait for another process.
   * @default 60_000
   */
  readonly lockTimeout?: number
}

const LOCK_TIMEOUT = 60_000

type Secrets = ReadonlyMap<string, string>

/** The host itself may ask for more than a source. */
export interface ListedSecretStore extends SecretStore {
  /** Names all secrets that are stored. */
  names(): Promise<readonly string[]>
  /** Removes all of them, and names them. */
  clear(): Promise<readonly string[]>
}

export function createSecretStore(options: SecretStoreOptions): ListedSecretStore {
  const {folder, account, mask, signal, beforeChange, lockTimeout = LOCK_TIMEOUT} = options
  if (!NAME.test(account))
    throw failure(`${JSON.stringify(account)} is not the name of an account`, {code: 'E_NAME_INVALID'})
  const path = join(folder, `${account}.json`)
  const lock = {path: `${path}.lock`, holds: `the secrets of ${account}`, lockTimeout, signal}
  const readMasked = async (): Promise<Secrets> => {
    const secrets = await read(path)
    for (const secret of secrets.values()) mask.add(secret)
    return secrets
  }
  return {
    names: async () => [...(await readMasked()).keys()],
    get: async (name) => (await readMasked()).get(name),
    clear: async () =>
      oneAtATime(path, async () => {
        await makePrivateFolder(path, folder)
        return withFileLock(lock, async () => {
          const secrets = await readMasked()
          await assertStored(path, async () => {
            // A process that was killed may have left what it was about to store.
            await rm(`${path}.new`, {force: true})
            await rm(path, {force: true})
            await syncFolder(folder)
          })
          return [...secrets.keys()]
        })
      }),
    update: async <Value extends string | undefined>(name: string, change: SecretChange<Value>) =>
      oneAtATime(path, async () => {
        await makePrivateFolder(path, folder)
        return withFileLock(lock, async () => {
          const secrets = await readMasked()
          // What `change` uses up cannot be had again, so the place for what it returns is there before it is called.
          await assertStored(path, async () => beforeChange?.())
          const draft = await openDraft(path, secrets)
          try {
            const changed = await change(secrets.get(name))
            if (changed === undefined || changed === secrets.get(name)) return changed
            if (typeof changed !== 'string')
              throw sourceBug(`the secret ${name} of ${account} was changed to something that is no text`)
            mask.add(changed)
            await draft.replace(new Map([...secrets, [name, changed]]))
            return changed
          } finally {
            await draft.close()
          }
        })
      }),
  }
}

const updating = new AsyncLocalStorage<string>()

async function oneAtATime<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  if (updating.getStore() === path) {
    throw sourceBug('a secret was updated from within the update of another, which would wait for ever')
  }
  // Without the signal, which ends the wait for other processes alone.
  return inTurn(path, undefined, async () => updating.run(path, work))
}

async function makePrivateFolder(path: string, folder: string): Promise<void> {
  const {openToOthers} = await assertStored(path, async () => {
    await mkdir(folder, {recursive: true, mode: 0o700})
    return setMode(folder, 0o700)
  })
  if (!openToOthers) return
  throw failure(`others can read ${folder}, and its file system does not let that be changed`, {
    code: 'E_FILE_NOT_WRITTEN',
    next: 'Set XDG_DATA_HOME to a folder on a file system with permissions: secrets are kept there.',
  })
}

async function read(path: string): Promise<Secrets> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return new Map()
    throw failure(`the secrets in ${path} cannot be read`, {
      code: 'E_SECRETS_BROKEN',
      next: 'Make the file readable for you alone.',
      cause: error,
    })
  }
  const content = parse(text)
  if (content !== undefined) return content
  throw failure(`the file ${path} holds no readable secrets`, {
    code: 'E_SECRETS_BROKEN',
    next: 'Restore it from a backup, or remove it and sign in to the source again.',
  })
}

/** Gives no cause for an error: what JSON.parse says quotes the text. */
function parse(text: string): Secrets | undefined {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return undefined
  const entries = Object.entries(content)
  return entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')
    ? new Map(entries)
    : undefined
}
