import {createWriteStream} from 'node:fs'
import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {Readable} from 'node:stream'
import {pipeline} from 'node:stream/promises'

import {asEventOf} from '../model/events.ts'
import {damaged, type PlanMember} from '../sink/plan-file-layout.ts'
import type {PlanFile} from '../sink/plan-file.ts'
import {readPlannedEvent, type PlannedCommit, type PlanManifest} from '../sink/plan-manifest.ts'
import {writingTemporaryFiles} from '../sink/temporary-files.ts'
import type {CommitBatch} from '../warehouse/commit-batch.ts'

interface Plan {
  readonly file: PlanFile
  readonly manifest: PlanManifest
}

export const membersOf = ({commits}: Pick<PlanManifest, 'commits'>): readonly PlanMember[] =>
  commits.flatMap(({members}) => members)

/** Puts what a commit of a plan holds into files, as the run would have; its events are those of the run that applies it. */
export async function batchOfPlan(
  {file, manifest}: Plan,
  commit: PlannedCommit,
  {folder, runId}: {readonly folder: string; readonly runId: string},
): Promise<CommitBatch> {
  const all = membersOf(manifest)
  const paths: Record<PlanMember['holds'], string[]> = {records: [], 'lone record': [], events: []}
  for (const member of commit.members) {
    const place = all.indexOf(member)
    const contents = file.contentsOf(member, all.slice(0, place))
    const path = join(folder, `member-${place + 1}`)
    await fill(folder, path, member.holds === 'events' ? eventsOf(runId, contents, {file, manifest}) : contents)
    paths[member.holds].push(path)
  }
  return {
    runStartedAt: new Date(manifest.readAt),
    records: paths.records,
    loneRecords: paths['lone record'],
    events: paths.events,
    rows: commit.rows,
    isDigested: commit.digest !== undefined,
  }
}

export async function removeBatch({records, loneRecords, events}: CommitBatch): Promise<void> {
  for (const path of [...records, ...loneRecords, ...events]) await rm(path, {force: true})
}

async function fill(folder: string, path: string, contents: AsyncIterable<string | Buffer>): Promise<void> {
  await writingTemporaryFiles(folder, async () =>
    pipeline(Readable.from(contents, {objectMode: false}), createWriteStream(path, {flags: 'wx', mode: 0o600})),
  )
}

async function* eventsOf(
  runId: string,
  contents: AsyncIterable<Buffer>,
  {file, manifest: {streams}}: Plan,
): AsyncGenerator<string> {
  for await (const line of linesOf(contents)) {
    const event = readPlannedEvent(line)
    const isOfStream = streams.some(
      ({sourceSystem, objectType}) => event?.source_system === sourceSystem && event.object_type === objectType,
    )
    if (event === undefined || !isOfStream) throw damaged(file.path, 'it holds an event that no plan holds')
    yield `${JSON.stringify(asEventOf(runId, event))}\n`
  }
}

async function* linesOf(contents: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = []
  for await (const chunk of contents) {
    let from = 0
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8')
      rest = []
      from = end + 1
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
  }
}
