import {statfs} from 'node:fs/promises'
import {dirname} from 'node:path'

import {hasCode} from '../base/system-error.ts'
import type {Config} from '../config/config.ts'
import {secretsFolder} from '../sources/secrets/secrets-folder.ts'
import {kindOf} from '../warehouse/kinds.ts'
import {failed, type Finding} from './finding.ts'

/** Linux numbers the file systems so (statfs(2), linux/magic.h); what FUSE serves may be a bucket, a shared folder or a disk. */
const SHARED = new Map([
  [0x69_69, 'NFS'],
  [0x51_7b, 'SMB'],
  [0xff_53_4d_42, 'SMB'],
  [0xfe_53_4d_42, 'SMB'],
  [0x65_73_55_46, 'FUSE'],
  [0x01_02_19_97, '9p'],
  [0x00_c3_64_00, 'Ceph'],
])
const WITHOUT_MODES = new Map([
  [0x4d_44, 'FAT'],
  [0x20_11_ba_b0, 'exFAT'],
])

/** Warns where the warehouse is a file that other machines may write, and where secrets lie that no mode hides. */
export async function* examineFileSystems(config: Config, dataDir: string): AsyncGenerator<Finding> {
  const kind = kindOf(config.warehouse)
  const [file] = (await kind.lockFiles?.(config.warehouse.settings)) ?? []
  if (file !== undefined)
    yield* examine(kind.name, dirname(file), SHARED, {
      found: 'the file lies',
      next: 'Let one machine alone write it: locks there may keep no other machine out. Or move it to a disk of this one.',
    })
  yield* examine('secrets', secretsFolder(dataDir, config.path), WITHOUT_MODES, {
    found: 'secrets lie',
    next: 'Everybody who reaches it can read them. Set XDG_DATA_HOME to a folder on a file system with permissions.',
  })
}

async function* examine(
  subject: string,
  folder: string,
  unusual: ReadonlyMap<number, string>,
  {found, next}: {readonly found: string; readonly next: string},
): AsyncGenerator<Finding> {
  try {
    const name = unusual.get(await fileSystemOf(folder))
    if (name === undefined) return
    yield {check: 'file system', subject, status: 'warning', found: `${found} on ${name} (${folder})`, next}
  } catch (error) {
    yield failed('file system', subject, error)
  }
}

/** Asks the first folder above that is there. */
async function fileSystemOf(folder: string): Promise<number> {
  try {
    return (await statfs(folder)).type
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR') || dirname(folder) === folder) throw error
    return fileSystemOf(dirname(folder))
  }
}
