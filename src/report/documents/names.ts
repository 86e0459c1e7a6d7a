import * as z from 'zod'

export const job = z.string().describe('Name of a job of lorchestra.yaml.')
export const account = z.string().nullable().describe('Account of lorchestra.yaml; null: the job has none.')
export const source = z.string().describe('Name of a source, as `source:` in lorchestra.yaml says it.')
export const sourceSystem = z.string().describe('Where records come from, as the tables say it.')
export const objectType = z.string().describe('What the records are, as the tables say it.')
export const runId = z.string().describe('Id of the run: correlation_id of its events.')
export const warehouse = z.string().describe('Kind of the warehouse.')
export const planId = z.string().describe('Id of a plan: the SHA-256 of its manifest.')
