import type {Event} from '../model/events.ts'
import type {CommitBatch, CommitCounts} from '../warehouse/commit-batch.ts'
import {PlanFileDraft} from './plan-file-draft.ts'
import type {PlanMember} from './plan-file-layout.ts'
import type {PlannedCommit} from './plan-manifest.ts'

/** A commit of a dry run, whose files are there until this is kept. */
export interface CommitToKeep {
  readonly batch: CommitBatch
  readonly counts: CommitCounts
  /** That of what it met; `undefined` where there are no records. */
  readonly digest: string | undefined
  /** They would have been written with it. */
  readonly events: readonly Event[]
}

/** Keeps the commits of a dry run in a file, to be made by somebody who has looked at them. */
export class PlanDraft {
  readonly #file: PlanFileDraft
  readonly #commits: PlannedCommit[] = []
  #readAt: Date | undefined

  private constructor(file: PlanFileDraft) {
    this.#file = file
  }

  static async create(path: string): Promise<PlanDraft> {
    return new PlanDraft(await PlanFileDraft.create(path))
  }

  get path(): string {
    return this.#file.path
  }

  get commits(): readonly PlannedCommit[] {
    return this.#commits
  }

  /** Rows say that they were read then. */
  get readAt(): Date {
    if (this.#readAt === undefined) throw new Error('the run ended without a commit')
    return this.#readAt
  }

  async keep({batch, counts, digest, events}: CommitToKeep): Promise<void> {
    this.#readAt ??= batch.runStartedAt
    const own = events.filter(({event_type: type}) => !type.startsWith('job.'))
    // The end of a run is told by a commit of its own where there was nothing else to write.
    const isEmpty = batch.rows === 0 && batch.events.length === 0 && own.length === 0
    if (isEmpty && this.#commits.length > 0) return
    const members: PlanMember[] = []
    for (const [holds, files] of [
      ['records', batch.records],
      ['lone record', batch.loneRecords],
      ['events', batch.events],
    ] as const) {
      for (const file of files) members.push(await this.#file.addFile(holds, file))
    }
    this.#commits.push({
      rows: batch.rows,
      counts: [...counts].map(([objectType, {inserted, updated, unchanged, duplicates}]) => ({
        objectType,
        rows: {inserted, updated, unchanged, duplicates},
      })),
      ...(digest !== undefined && {digest}),
      events: own as PlannedCommit['events'],
      members,
    })
  }

  /** Answers with the id of the plan. */
  async finish(manifest: string): Promise<string> {
    return this.#file.finish(manifest)
  }

  async discard(): Promise<void> {
    await this.#file.discard()
  }
}
