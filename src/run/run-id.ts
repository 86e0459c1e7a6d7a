import {randomBytes} from 'node:crypto'

/** Names a run by its job and the second in which it began. */
export function createRunId(job: string, startedAt: Date): string {
  const instant = startedAt.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)
  return `${job}-${instant}-${randomBytes(4).toString('hex')}`
}
