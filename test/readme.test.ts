import {existsSync, readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'

import {expect} from 'chai'
import {parse} from 'yaml'

import {fileSchema} from '../src/config/file-schema.ts'
import {warehouseSchema} from '../src/config/warehouse-settings.ts'
import {WAREHOUSE_KINDS} from '../src/warehouse/kinds.ts'
import {EXIT, EXIT_CHANGES} from '../src/base/errors.ts'

const root = resolve(import.meta.dirname, '..')
const page = (path: string): string => readFileSync(join(root, path), 'utf8')
const readme = page('README.md')
const blocks = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1] ?? '')

describe('the README', () => {
  it('is read in a few minutes', () => {
    expect(readme.split(/\s+/).length).to.be.at.most(1500)
  })

  it('says in one sentence what a plain run can miss, and what finds it', () => {
    expect(readme).to.match(/A plain run can miss [^.]*`sweep: 7d`[^.]*finds it/)
  })

  it('names only files and folders that are there', () => {
    const named = [
      ...readme.matchAll(/[`(]((?:src|test|plugins|artifacts|bin|docs|examples|templates)\/[\w./-]+?)[`)#]/g),
    ]
    const missing = named.map((match) => match[1] ?? '').filter((path) => !existsSync(join(root, path)))
    expect(named.length).to.be.greaterThan(15)
    expect(missing).to.deep.equal([])
  })

  it('links to nothing that the package leaves out', () => {
    const {files} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {files: readonly string[]}
    const links = [...readme.matchAll(/\]\((?!\w+:|#)([^)#]+)/g)].map((match) => match[1] ?? '')
    expect(links.length).to.be.greaterThan(30)
    expect(links.filter((link) => !files.some((file) => link === file || link.startsWith(`${file}/`)))).to.deep.equal(
      [],
    )
  })

  it('answers what strangers ask, or links to the page that does', () => {
    const answers: readonly (readonly [string, RegExp])[] = [
      ['README.md', /## Look at what is stored/],
      ['docs/second-account.md', /^# Add a second account/],
      ['docs/go-back.md', /## Test tables[^]*lorchestra test drop/],
      ['docs/faq.md', /## Where are my tokens/],
      ['docs/runs.md', /\| 4 \| another run/],
      ['docs/schedules.md', /^# On a schedule/],
      ['docs/faq.md', /## What can a plain run miss/],
      ['README.md', /lorchestra runs undo/],
      ['docs/files.md', /## Load a folder of files every night/],
      ['docs/bigquery.md', /## Rights: who may do what[^]*roles\/bigquery\.jobUser/],
      ['docs/go-back.md', /## Everything/],
      ['docs/faq.md', /## How do I upgrade/],
      ['docs/faq.md', /## What leaves my machine/],
      ['docs/faq.md', /## Can two run at once/],
      ['docs/bigquery-costs.md', /^# What a run costs in BigQuery/],
    ]
    for (const [path, answer] of answers) {
      expect(page(path)).to.match(answer)
      if (path !== 'README.md') expect(readme).to.include(`](${path})`)
    }
  })

  it('leads to a table of every exit code', () => {
    const runs = page('docs/runs.md')
    const table = runs.slice(runs.indexOf('## Exit codes'), runs.indexOf('## What ran'))
    const codes = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap((match) => (match[1] ?? '').split(', ').map(Number))
    expect(codes).to.deep.equal([...Object.values(EXIT), EXIT_CHANGES].toSorted((one, other) => one - other))
  })

  it('shows a lorchestra.yaml that can be read', async () => {
    for (const path of ['README.md', 'docs/configuration.md']) {
      const [shown] = blocks(page(path), 'yaml').map((text) => parse(text) as {warehouse: unknown})
      expect(fileSchema.safeParse(shown).error).to.equal(undefined)
      expect((await warehouseSchema(WAREHOUSE_KINDS)).safeParse(shown?.warehouse).error).to.equal(undefined)
    }
  })
})
