import {readdir, readFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

import {runSettings} from '../../src/config/job-settings.ts'
import {HOST_KEYS, READING, settingsIn} from '../../src/config/settings.ts'
import {propertiesIn, rowsIn} from '../support/documented-settings.ts'

const root = resolve(import.meta.dirname, '..', '..')

describe('a setting of an account or a job', () => {
  it('is told with its description to editors and in the reference, wherever it may stand', async () => {
    for (const place of ['account', 'job'] as const) {
      const properties = await propertiesIn(root, place)
      const rows = await rowsIn(root, place)
      const settings = settingsIn(place)
      expect(Object.keys(properties)).to.deep.equal(settings.map(([key]) => key))
      expect(rows.map((row) => row.split('`')[1])).to.deep.equal(settings.map(([key]) => key))
      for (const [index, [key, {description, example, default: otherwise}]] of settings.entries()) {
        const written = example({source: 'notes', account: 'acct1'})
        const shown = typeof written === 'object' ? `[${written.join(', ')}]` : String(written)
        expect(properties[key]?.description, key).to.include(description)
        expect(properties[key]?.examples, key).to.deep.equal([written])
        expect(rows[index]).to.include(description).and.to.include(`\`${key}: ${shown}\``)
        expect((rows[index] ?? '').includes('Left out: '), key).to.equal(otherwise !== undefined)
      }
    }
  })

  it('is told with its default as a value only where no source has its own', async () => {
    const properties = await propertiesIn(root, 'job')
    const withValue = Object.entries(properties).filter(([, described]) => described.default !== undefined)
    expect(withValue.map(([key, described]) => [key, described.default])).to.deep.equal([
      ['schema', 'evolve'],
      ['max_rejects', 100],
    ])
    expect(properties['overlap']?.description).to.include("Left out: the source's, else 0s.")
    expect(properties['slice']?.description).to.include("Left out: the source's, else all at once.")
  })

  it("is the job's before the source's, and the source's before lorchestra's own", () => {
    expect(runSettings({maxRejects: 100, schema: 'evolve'})).to.deep.equal({
      start: -Infinity,
      overlap: 0,
      slice: undefined,
      sliceIsMaximum: false,
      settle: 0,
      earliest: -Infinity,
      sweep: undefined,
      schema: 'evolve',
      maxRejects: 100,
    })
    const defaults = {overlap: '1d', slice: '30d', settle: '5m', earliest: '2004-04-01T00:00:00Z'}
    const ofSource = {overlap: 86_400_000, slice: 2_592_000_000, settle: 300_000, earliest: Date.UTC(2004, 3, 1)}
    expect(runSettings({maxRejects: 0, schema: 'warn'}, defaults)).to.deep.equal({
      start: -Infinity,
      schema: 'warn',
      sweep: undefined,
      maxRejects: 0,
      sliceIsMaximum: false,
      ...ofSource,
    })
    const job = {start: new Date('2024-01-01'), overlap: 0, slice: 1000, maxRejects: 7, schema: 'freeze'} as const
    expect(runSettings(job, defaults)).to.deep.equal({
      ...ofSource,
      ...job,
      sweep: undefined,
      sliceIsMaximum: true,
      start: Date.UTC(2024, 0, 1),
    })
  })
})

describe('the key of a setting', () => {
  const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
    // The job's account is looked up where the file is read; a wrong one is shown where it stands.
    'config/config.ts': ['account'],
    // Neither is about the setting.
    'config/job-settings.ts': ['schema'],
    'run/taken-over-events.ts': ['schema'],
    'warehouse/bigquery/table-metadata.ts': ['schema'],
    // It is a part of a commit that a sweep made, and the word for it.
    'run/commit-ledger.ts': ['sweep'],
    'run/completed-commit.ts': ['sweep'],
    'run/past-runs.ts': ['sweep'],
    'run/sweep.ts': ['sweep'],
    // It is a member of what a slice is read with.
    'run/verify-job.ts': ['start'],
    // There it is the end of a text that stands at a place.
    'report/page/time-axis.ts': ['start'],
    // There it is the place where a key stands.
    'config/file-schema.ts': ['account'],
    'cli/starter/starter-files.ts': ['account'],
  }

  it('is written in the table of settings alone', async () => {
    const src = join(root, 'src')
    const names = (await readdir(src, {recursive: true})).map((name) => name.replaceAll('\\', '/'))
    const files = names.filter((name) => name.endsWith('.ts'))
    const found: Record<string, string[]> = {}
    for (const file of files.filter((name) => name !== 'config/settings.ts')) {
      const code = (await readFile(join(src, file), 'utf8')).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      // Elsewhere a source, an account and a source system are also columns of tables and words for people.
      const naming = /^(?:config|cli\/starter)\//.test(file) ? HOST_KEYS : []
      const keys = [...new Set([...Object.keys(READING), ...naming])]
      const written = keys.filter((key) => new RegExp(`['"\`]${key}['"\`]`).test(code))
      if (written.length > 0) found[file] = written
    }
    expect(found).to.deep.equal(ELSEWHERE)
  })
})
