import * as z from 'zod'

import {changedPathMember, diffSampleMember} from './diff.ts'
import {document, type DocumentOf} from './document.ts'
import * as names from './names.ts'
import {windowMember} from './window.ts'

const rows = (text: string) => z.int().nonnegative().describe(text)

export const comparisonMember = z
  .strictObject({
    counts: z
      .strictObject({
        insert: rows('Rows that production does not have.'),
        update: rows('Rows with another value.'),
        newer: rows('Rows with another value that production has read later.'),
        unchanged: rows('Rows with the same value.'),
        only_in_production: rows('Rows that the test tables do not have.'),
      })
      .describe('Over all streams of the job.'),
    paths: z.array(changedPathMember).describe('Over all rows with another value, most first.'),
    samples: z.array(diffSampleMember).describe('Some rows of each kind.'),
    streams: z
      .array(
        z.strictObject({
          source_system: names.sourceSystem,
          object_type: names.objectType,
          test: z.array(windowMember).describe('What is covered in the test tables.'),
          production: z.array(windowMember).describe('What is covered in production.'),
        }),
      )
      .describe('How far each stream is covered.'),
    test_runs: z.array(names.runId).describe('The runs that filled the test tables, oldest first.'),
    production_runs: z
      .array(names.runId)
      .describe('Runs that have written to production since the first of them began.'),
  })
  .meta({id: 'comparison', description: 'What test tables hold of a job, beside production.'})

export const testCompareDocument = document({job: names.job, comparison: comparisonMember})

export type ComparisonMember = DocumentOf<typeof comparisonMember>
export type TestCompareDocument = DocumentOf<typeof testCompareDocument>
