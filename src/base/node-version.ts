import {usageError} from './errors.ts'

const OLDEST = [22, 19] as const

/** An older Node rounds numbers that it parses (it has no `JSON.rawJSON`), and knows less than the code here takes for granted. */
export function assertNodeIsNewEnough(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  throw usageError(`Node ${version} is older than ${OLDEST.join('.')}, which lorchestra needs`, {
    code: 'E_NODE_TOO_OLD',
    next: 'Install a current Node: https://nodejs.org.',
  })
}
