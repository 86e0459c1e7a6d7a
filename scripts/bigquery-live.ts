import {glob} from 'node:fs/promises'

import Mocha from 'mocha'

import {isExpectedToFail} from '../test/support/bigquery/expected-failures.ts'
import {assertReplaceable, gigabytes, judge, writeReport, type Ended} from '../test/support/bigquery/live/report.ts'
import {openService, useService} from '../test/support/bigquery/live/service.ts'

/** Runs the live suite on Google's service, or on an emulator to try the suite itself, and writes its report. */
const {
  BIGQUERY_LIVE_PROJECT: project,
  BIGQUERY_LIVE_LOCATION: location = 'US',
  BIGQUERY_LIVE_ENDPOINT: endpoint,
  BIGQUERY_EMULATOR: emulator,
  BIGQUERY_LIVE_CEILING_GB: ceilingGb = '300',
  BIGQUERY_LIVE_REPORT: path = 'artifacts/test/bigquery-live.md',
} = process.env
const ceiling = Number(ceilingGb) * 1e9

if ([project, endpoint, emulator].filter((one) => one !== undefined).length !== 1 || !(ceiling > 0)) {
  throw new Error(`the live suite needs one of these:
  BIGQUERY_LIVE_PROJECT   a project of Google's service, with Application Default Credentials that have
                          roles/bigquery.user there; BIGQUERY_LIVE_LOCATION is ${location}
  BIGQUERY_EMULATOR       the name of an emulator that it starts: bqemulator, local-bigquery or goccy
  BIGQUERY_LIVE_ENDPOINT  the origin of an emulator that runs already
All may bill BIGQUERY_LIVE_CEILING_GB together: ${ceilingGb}.
`)
}
if (!(await isPassed())) throw new Error(`something failed: see above, and ${path}`)

async function isPassed(): Promise<boolean> {
  const isGoogle = project !== undefined
  await assertReplaceable(path, isGoogle)
  const dollars = ((ceiling / 1024 ** 4) * 6.25).toFixed(2)
  process.stdout.write(
    isGoogle
      ? `It bills at most ${gigabytes(ceiling)}, which is $${dollars} on demand; a statement that might bill more than is left is refused.\n`
      : 'It runs on an emulator, which bills nothing, and proves nothing of Google.\n',
  )

  const service = useService(
    await openService({
      location,
      ceiling,
      ...(project !== undefined && {project}),
      ...(endpoint !== undefined && {endpoint}),
      ...(emulator !== undefined && {emulator}),
    }),
  )
  const ended: Ended[] = []
  let failures = 0
  try {
    for (const dataset of await service.removeLeftovers())
      process.stdout.write(`removed what a killed run left: ${dataset}\n`)
    const mocha = new Mocha({
      timeout: 900_000,
      forbidOnly: true,
      ...(process.argv[2] !== undefined && {grep: process.argv[2]}),
    })
    for await (const file of glob('test/warehouse/bigquery/live/*.live.ts')) mocha.addFile(file)
    await mocha.loadFilesAsync()
    const ending = Promise.withResolvers<void>()
    const runner = mocha.run(() => ending.resolve())
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => runner.abort())
    runner.on('pass', (test) => ended.push({fullTitle: test.fullTitle(), isKnownToFail: isExpectedToFail(test)}))
    runner.on('fail', (test, error: Error) => ended.push({fullTitle: test.fullTitle(), error}))
    await ending.promise
    const isProbe = ({fullTitle}: Ended): boolean => fullTitle.startsWith('an assumption about BigQuery')
    failures = ended.filter((one) => one.error !== undefined && !isProbe(one)).length
    await writeReport(path, {
      service: service.name,
      project: service.connection.project,
      isGoogle,
      at: new Date(),
      ceiling,
      spent: service.spent,
      ended,
    })
  } finally {
    await service.close()
  }
  const refuted = judge(ended).filter(({verdict}) => verdict === 'refuted').length
  process.stdout.write(`${path}: ${refuted} assumptions refuted, ${failures} other failures\n`)
  return failures === 0 && !(isGoogle && refuted > 0)
}
