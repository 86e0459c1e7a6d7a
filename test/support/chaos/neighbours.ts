import {spawn} from 'node:child_process'
import {fileURLToPath} from 'node:url'

const CHILD = fileURLToPath(new URL('neighbour.ts', import.meta.url))

export interface NeighbourOrder {
  readonly folder: string
  readonly account: string
  readonly runs: number
  readonly records: number
  readonly seed: number
}

export interface NeighbourResult {
  readonly account: string
  readonly outcome: string
  readonly message: string
}

/** So many processes at once, each with so many runs one after the other, all of different streams of one database. */
export async function runAtTheSameTime(
  folder: string,
  seed: number,
  processes: number,
  runs: number,
): Promise<readonly NeighbourResult[]> {
  const all = Array.from({length: processes}, async (_, number) =>
    runNeighbour({folder, account: `p${number}`, runs, records: 20, seed: seed + number}),
  )
  return (await Promise.all(all)).flat()
}

async function runNeighbour(order: NeighbourOrder): Promise<readonly NeighbourResult[]> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(order)], {stdio: ['ignore', 'pipe', 'inherit']})
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as NeighbourResult)
}
