import {execFile} from 'node:child_process'
import {cp, mkdir, readdir, readFile, symlink, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {pathToFileURL} from 'node:url'
import {promisify} from 'node:util'

import {expect} from 'chai'

import type * as StarterLines from '../../src/cli/starter/setting-lines.ts'
import type * as FileSchema from '../../src/config/file-schema.ts'
import type * as JobSettings from '../../src/config/job-settings.ts'
import {runSettings} from '../../src/config/job-settings.ts'
import type * as Settings from '../../src/config/settings.ts'
import {HOST_KEYS, READING, settingsIn} from '../../src/config/settings.ts'
import {homeOfTest, lorchestra, temporaryFolder} from '../support/cli.ts'
import {hookOf, installPlugin} from '../support/plugins.ts'

const root = resolve(import.meta.dirname, '..', '..')
const PLACES = {account: 'accounts', job: 'jobs'} as const

interface Described {
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
}
interface SchemaFile {
  readonly properties: Readonly<
    Record<string, {anyOf: readonly {additionalProperties?: {properties: Readonly<Record<string, Described>>}}[]}>
  >
}

const propertiesIn = async (
  folder: string,
  place: keyof typeof PLACES,
): Promise<Readonly<Record<string, Described>>> => {
  const {properties} = JSON.parse(await readFile(join(folder, 'lorchestra.schema.json'), 'utf8')) as SchemaFile
  return properties[PLACES[place]]?.anyOf[0]?.additionalProperties?.properties ?? {}
}

/** The rows of the reference under one heading. */
const rowsIn = async (folder: string, place: keyof typeof PLACES): Promise<readonly string[]> => {
  const page = await readFile(join(folder, 'docs', 'configuration.md'), 'utf8')
  const section = page.split(`## \`${PLACES[place]}\`\n`)[1]?.split('\n## ')[0] ?? ''
  return section.split('\n').filter((line) => line.startsWith('| `'))
}

const HOOK = hookOf('notes', {source: "defaults: {overlap: '36h'},"})

describe('a setting of an account or a job', () => {
  it('is told with its description to editors and in the reference, wherever it may stand', async () => {
    for (const place of ['account', 'job'] as const) {
      const properties = await propertiesIn(root, place)
      const rows = await rowsIn(root, place)
      const settings = settingsIn(place)
      expect(Object.keys(properties)).to.deep.equal(settings.map(([key]) => key))
      expect(rows.map((row) => row.split('`')[1])).to.deep.equal(settings.map(([key]) => key))
      for (const [index, [key, {description, example, default: otherwise}]] of settings.entries()) {
        const shown = String(example({source: 'notes', account: 'acct1'}))
        expect(properties[key]?.description, key).to.include(description)
        expect(properties[key]?.examples?.map(String), key).to.deep.equal([shown])
        expect(rows[index]).to.include(description).and.to.include(`\`${key}: ${shown}\``)
        expect((rows[index] ?? '').includes('Left out: '), key).to.equal(otherwise !== undefined)
      }
    }
  })

  it('is told with its default as a value only where no source has its own', async () => {
    const properties = await propertiesIn(root, 'job')
    const withValue = Object.entries(properties).filter(([, described]) => described.default !== undefined)
    expect(withValue.map(([key, described]) => [key, described.default])).to.deep.equal([['max_rejects', 100]])
    expect(properties['overlap']?.description).to.include("Left out: the source's, else 0s.")
    expect(properties['slice']?.description).to.include("Left out: the source's, else all at once.")
  })

  describe('on the command line', () => {
    let folder: string
    beforeEach(async () => {
      folder = await temporaryFolder()
      await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook: HOOK})
    })
    const starterLines = async (): Promise<readonly string[]> => {
      const flags = ['--source', 'notes', '--account', 'acct1', '--warehouse', 'duckdb']
      expect(await lorchestra(['init', ...flags], {cwd: folder})).to.include({code: 0, stderr: ''})
      return (await readFile(join(folder, 'lorchestra.yaml'), 'utf8')).split('\n')
    }

    it('is checked when the file is read, and refused where it stands', async () => {
      const wrong = (['account', 'job'] as const).flatMap((place) => [
        `${PLACES[place]}:`,
        ...settingsIn(place).map(([key]) => `  ${key.replace('_', '-')}: {source: notes, ${key}: [wrong]}`),
      ])
      await writeFile(
        join(folder, 'lorchestra.yaml'),
        wrong.join('\n').replaceAll('source: notes, source: ', 'source: '),
      )
      const {code, stderr} = await lorchestra(['jobs', 'list'], {cwd: folder})
      expect(code).to.equal(2)
      for (const place of ['account', 'job'] as const)
        for (const [key] of settingsIn(place))
          expect(stderr).to.include(` ${PLACES[place]}.${key.replace('_', '-')}.${key}: `)
    })

    it('is a row of `jobs show`', async () => {
      await writeFile(join(folder, 'lorchestra.yaml'), 'jobs: {mine: {source: notes}}')
      const {code, stdout} = await lorchestra(['jobs', 'show', 'mine'], {cwd: folder})
      expect(code).to.equal(0)
      const labels = stdout.split('\n').map((line) => line.split(' ')[0])
      expect(labels).to.include.members([...HOST_KEYS, ...Object.keys(READING)])
    })

    it('stands in the starter file, with what this source makes of it where it is left out', async () => {
      const lines = await starterLines()
      for (const key of HOST_KEYS)
        expect(
          lines.some((line) => new RegExp(`^    (# )?${key}: `).test(line)),
          key,
        ).to.be.true
      const lineOf = (key: string): string => lines.find((line) => line.startsWith(`    # ${key}: `)) ?? ''
      expect(lineOf('overlap')).to.match(/; left out: 36h \(the source's default\)$/)
      expect(lineOf('slice')).to.match(/; left out: all at once$/)
      expect(lineOf('max_rejects')).to.match(/; left out: 100$/)
    })

    it('may be taken from the starter file as it stands there', async () => {
      const lines = await starterLines()
      await writeFile(join(folder, 'lorchestra.yaml'), lines.join('\n').replaceAll(/^ {4}# (\w+: )/gm, '    $1'))
      const {code, stdout} = await lorchestra(['jobs', 'show', 'notes_ingest_acct1', '--json'], {cwd: folder})
      expect(code).to.equal(0)
      expect((JSON.parse(stdout) as {job: object}).job).to.deep.include({
        account: 'acct1',
        source_system: 'notes--acct1',
        settings: {start: '2024-01-01T00:00:00.000Z', overlap: '1d', slice: '30d', settle: '0s', max_rejects: 100},
        options: {},
      })
    })
  })

  it("is the job's before the source's, and the source's before lorchestra's own", () => {
    expect(runSettings({maxRejects: 100})).to.deep.equal({
      start: -Infinity,
      overlap: 0,
      slice: undefined,
      settle: 0,
      earliest: -Infinity,
      maxRejects: 100,
    })
    const defaults = {overlap: '1d', slice: '30d', settle: '5m', earliest: '2004-04-01T00:00:00Z'}
    const ofSource = {overlap: 86_400_000, slice: 2_592_000_000, settle: 300_000, earliest: Date.UTC(2004, 3, 1)}
    expect(runSettings({maxRejects: 0}, defaults)).to.deep.equal({start: -Infinity, maxRejects: 0, ...ofSource})
    const job = {start: new Date('2024-01-01'), overlap: 0, slice: 1000, maxRejects: 7}
    expect(runSettings(job, defaults)).to.deep.equal({...ofSource, ...job, start: Date.UTC(2024, 0, 1)})
  })
})

describe('a setting that is added in one place', () => {
  const ENTRY = `  grace: {
    in: {job: 'optional'},
    description: 'How long a run waits for a straggler.',
    schema: textSetting(parseDuration),
    example: () => '7m',
    default: {value: '2m'},
    read: parseDuration,
    format: formatDuration,
  },
`

  it('is checked, described, shown, explained in the starter file and the reference, and goes to the run', async () => {
    const copy = await temporaryFolder()
    for (const part of ['src', 'scripts', 'package.json'])
      await cp(join(root, part), join(copy, part), {recursive: true})
    await mkdir(join(copy, 'docs'))
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    const table = join(copy, 'src', 'config', 'settings.ts')
    const text = await readFile(table, 'utf8')
    await writeFile(table, text.replace('  max_rejects: {\n', `${ENTRY}  max_rejects: {\n`))

    for (const script of ['json-schema.ts', 'configuration-page.ts'])
      await promisify(execFile)(process.execPath, [join(copy, 'scripts', script)], {cwd: copy})
    const {grace} = await propertiesIn(copy, 'job')
    expect(grace).to.deep.include({
      description: 'How long a run waits for a straggler.',
      default: '2m',
      examples: ['7m'],
    })
    const rows = await rowsIn(copy, 'job')
    expect(rows).to.include('| `grace` | How long a run waits for a straggler. Left out: `2m`. | `grace: 7m` |')

    const load = async <Module>(path: string): Promise<Module> =>
      (await import(pathToFileURL(join(copy, 'src', path)).href)) as Module
    const {settingLines} = await load<typeof StarterLines>('cli/starter/setting-lines.ts')
    const {commented} = settingLines('job', {source: 'notes', account: 'acct1'}, undefined)
    expect(commented).to.include('# grace: 7m # how long a run waits for a straggler; left out: 2m')

    const {fileSchema} = await load<typeof FileSchema>('config/file-schema.ts')
    const wrong = fileSchema.safeParse({jobs: {one: {source: 'notes', grace: 'soon'}}})
    expect(wrong.error?.issues.map(({path, message}) => [path.join('.'), message])).to.deep.equal([
      ['jobs.one.grace', '"soon" is not a duration'],
    ])
    const {HOST_KEYS: keys} = await load<typeof Settings>('config/settings.ts')
    expect(keys).to.include('grace')

    const {formatSettings, readSettings, ...job} = await load<typeof JobSettings>('config/job-settings.ts')
    const read = readSettings({grace: '120m'}, (_key, reason) => expect.fail(String(reason)))
    expect(formatSettings({}, read, undefined)).to.include({grace: '2h'})
    expect(job.runSettings(read)).to.include({grace: 7_200_000})
  })
})

describe('the key of a setting', () => {
  const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
    // The job's account is looked up where the file is read; a wrong one is shown where it stands.
    'config/config.ts': ['account'],
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
