import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'

import {messageWithCauses} from '../../src/base/errors.ts'
import {scriptedRun} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'

/** A program that runs jobs at once into one file, each with a folder of its own. Sends what went wrong. */
const [folder = '', jobs = ''] = process.argv.slice(2)
const source = scriptedSource(() =>
  Array.from({length: 200}, (_, at) => ({id: `record ${at}`, at, text: 'x'.repeat(2000)})),
)
const errors = await Promise.all(
  Array.from({length: Number(jobs)}, async (_, job) => {
    const {error} = await scriptedRun({source, folder, account: `acct${job}`, runId: `run-${job}`, now: 86_400_000})
    await mkdir(join(folder, `made by ${job}`, 'within'), {recursive: true})
    return error === undefined ? '' : messageWithCauses(error)
  }),
)
process.send?.(errors.filter((error) => error !== ''))
