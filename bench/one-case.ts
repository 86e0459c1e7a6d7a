import type {CaseRequest} from './cases.ts'

const SEED = 1

/** Resolves to the work itself; what it needs is loaded before the clock starts. */
async function prepare({what, folder, records, case: name}: CaseRequest): Promise<() => Promise<void>> {
  const revision = name === 'reload, all changed' ? 2 : 1
  if (what === 'bare open') {
    const {openPlainly} = await import('./floor.ts')
    return () => openPlainly(`${folder}/warehouse.duckdb`)
  }
  const {SyntheticRecords, syntheticSource} = await import('./records.ts')
  const expected = what === 'idle run' ? 0 : records
  const synthetic = new SyntheticRecords(expected, SEED)
  if (what === 'floor') {
    const {loadPlainly} = await import('./floor.ts')
    return () => loadPlainly(folder, synthetic, revision)
  }
  await import('@duckdb/node-api')
  const {scriptedRun} = await import('../test/support/scripted-run.ts')
  return async () => {
    const source = syntheticSource(synthetic, revision)
    const {counts, error} = await scriptedRun({source, folder, runId: `run-${process.pid}-${Date.now()}`})
    if (error !== undefined) throw new Error('the run failed', {cause: error})
    const {inserted, unchanged, updated} = counts
    const counted = {'first load': inserted, 'reload, unchanged': unchanged, 'reload, all changed': updated}[name]
    if (counted !== expected) throw new Error(`${name}: ${JSON.stringify(counts)}`)
  }
}

const work = await prepare(JSON.parse(process.argv[2] ?? '') as CaseRequest)
const cpuBefore = process.cpuUsage()
const startedAt = performance.now()
await work()
const seconds = (performance.now() - startedAt) / 1000
const cpu = process.cpuUsage(cpuBefore)
const processCpu = process.cpuUsage()
process.stdout.write(
  JSON.stringify({
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    processCpuSeconds: (processCpu.user + processCpu.system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  }),
)
