import {counted} from '../base/counted.ts'
import {testSetArgument, testTablesOf} from '../model/tables.ts'
import type {SeedReport, SeedRequest} from '../run/seed-job.ts'
import {formatBytes} from './bytes-text.ts'
import type {TestSeedDocument} from './documents/test-seed.ts'
import {formatSpan} from '../base/span.ts'

type Request = Pick<SeedRequest, 'production' | 'scopes'>

export const formatSeedEstimate = (bytes: number): string =>
  `Copying the rows reads ${formatBytes(bytes)}, by the estimate of the warehouse, and bills that.`

export function formatSeed(job: string, {estimate, seeded, seconds}: SeedReport, {production}: Request): string {
  const rows = [...(seeded ?? estimate).rows.values()].reduce((sum, number) => sum + number, 0)
  const what = counted(rows, 'row')
  const where = `from ${production.rawObjects} to ${testTablesOf(production).rawObjects}`
  if (seeded === undefined) return `[DRY-RUN] ${job}: would copy ${what} ${where} (no writes)`
  return [
    `✓ ${job}: ${what} copied ${where}, completed in ${formatSpan(seconds * 1000)}`,
    `  Test it now: lorchestra run ${job} --test-table${testSetArgument(production)}`,
  ].join('\n')
}

export function seedDocumentOf(
  job: string,
  {estimate, seeded}: SeedReport,
  {production, scopes}: Request,
): TestSeedDocument {
  const {rows} = seeded ?? estimate
  return {
    schema: 1,
    job,
    run_id: seeded?.runId ?? null,
    from: production.rawObjects,
    to: testTablesOf(production).rawObjects,
    streams: scopes.map(({stream}) => ({
      source_system: stream.sourceSystem,
      object_type: stream.objectType,
      rows: rows.get(stream.objectType) ?? 0,
    })),
    bytes_estimated: estimate.bytes ?? null,
  }
}
