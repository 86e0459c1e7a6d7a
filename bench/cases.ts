import {spawn} from 'node:child_process'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

export const CASES = ['first load', 'reload, unchanged', 'reload, all changed'] as const
export type Case = (typeof CASES)[number]

export interface CaseRequest {
  readonly what: 'lorchestra' | 'floor' | 'idle run' | 'bare open'
  readonly folder: string
  readonly records: number
  readonly case: Case
}

export interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Of the whole process, from its start. */
  readonly processSeconds: number
  readonly processCpuSeconds: number
  readonly peakBytes: number
}

/** The run and its floor, measured one after the other. */
export interface CaseResult {
  readonly records: number
  readonly case: Case
  readonly lorchestra: MeasuredLoad
  readonly floor: MeasuredLoad
  /** Records a second, as a part of the floor's. */
  readonly ratio: number
  readonly cpuRatio: number
}

export interface MeasuredLoad extends Measured {
  readonly recordsPerSecond: number
}

/** Both sides start as the program does: what they load was compiled before. */
const COMPILE_CACHE = join(tmpdir(), 'lorchestra-bench-compile-cache')

/** In a process of its own, so that its peak of memory is its own. */
export async function measureInProcess(request: CaseRequest): Promise<Measured> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [join(import.meta.dirname, 'one-case.ts'), JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE},
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve)
  })
  if (code !== 0) throw new Error(`${request.what}, ${request.case}, ${request.records} records: exit ${code}`)
  const measured = JSON.parse(output) as Omit<Measured, 'processSeconds'>
  return {...measured, processSeconds: (performance.now() - startedAt) / 1000}
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[middle - 1] ?? 0, sorted[middle] ?? 0]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}
