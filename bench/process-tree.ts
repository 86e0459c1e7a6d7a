import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFile} from 'node:fs/promises'

export interface Measured {
  readonly seconds: number
  /** Of all processes of the tree. */
  readonly cpuSeconds: number
  /** Of the largest process of it. */
  readonly peakBytes: number
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Its children's processes are not waited for, as a box is not, so that their time is looked at while they live. */
  readonly leavesChildren?: boolean
}

/** Says to its fourth file what CPU time its child took, and what that waited for. */
const WITH_TIMES = '"$@"; code=$?; times >&3; exit $code'

/** Runs a command to its end, and says what it took. */
export async function measureCommand({file, args, cwd, env, leavesChildren = false}: Command): Promise<Measured> {
  const startedAt = performance.now()
  const child = spawn('sh', ['-c', WITH_TIMES, 'sh', file, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const watch = watchMemory(child.pid ?? 0)
  let times = ''
  let said = ''
  child.stdio[3]?.on('data', (chunk: Buffer) => (times += chunk.toString()))
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  const [code] = (await once(child, 'close')) as [number]
  const seconds = (performance.now() - startedAt) / 1000
  const {peakBytes, leftCpuSeconds} = watch.end()
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${said}`)
  // The second line is of what the shell waited for.
  const cpuSeconds = [...(times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
    0,
  )
  return {seconds, cpuSeconds: cpuSeconds + (leavesChildren ? leftCpuSeconds : 0), peakBytes}
}

/** Looks at the process and those that it starts. */
function watchMemory(root: number) {
  let peakBytes = 0
  const left = new Map<number, number>()
  const look = async (): Promise<void> => {
    const open = [{pid: root, depth: 0}]
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      const {pid, depth} = one
      try {
        const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
        open.push(
          ...children
            .split(' ')
            .filter(Boolean)
            .map((child) => ({pid: Number(child), depth: depth + 1})),
        )
        const status = await readFile(`/proc/${pid}/status`, 'utf8')
        peakBytes = Math.max(peakBytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024)
        const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
        // The program itself is the shell's child, and what it starts a grandchild.
        if (depth > 1) left.set(pid, (Number(fields[11]) + Number(fields[12])) / 100)
      } catch {
        // It ended meanwhile.
      }
    }
  }
  const timer = setInterval(() => void look(), 50)
  return {
    end() {
      clearInterval(timer)
      return {peakBytes, leftCpuSeconds: [...left.values()].reduce((sum, each) => sum + each, 0)}
    },
  }
}
