import {execFile} from 'node:child_process'
import {cp, mkdir, readFile, symlink, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {pathToFileURL} from 'node:url'
import {promisify} from 'node:util'

import {expect} from 'chai'

import type * as StarterLines from '../../src/cli/starter/setting-lines.ts'
import type * as FileSchema from '../../src/config/file-schema.ts'
import type * as JobSettings from '../../src/config/job-settings.ts'
import type * as Settings from '../../src/config/settings.ts'
import {HOST_KEYS, READING, settingsIn} from '../../src/config/settings.ts'
import {homeOfTest, lorchestra, temporaryFolder} from '../support/cli.ts'
import {PLACES, propertiesIn, rowsIn} from '../support/documented-settings.ts'
import {hookOf, installPlugin} from '../support/plugins.ts'

const root = resolve(import.meta.dirname, '..', '..')
const HOOK = hookOf('notes', {source: "defaults: {overlap: '36h'},"})

describe('a setting of an account or a job on the command line', () => {
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
    await writeFile(join(folder, 'lorchestra.yaml'), wrong.join('\n').replaceAll('source: notes, source: ', 'source: '))
    const {code, stderr} = await lorchestra(['jobs', 'list'], {cwd: folder})
    expect(code).to.equal(2)
    for (const place of ['account', 'job'] as const)
      for (const [key] of settingsIn(place))
        expect(stderr).to.match(new RegExp(` ${PLACES[place]}\\.${key.replace('_', '-')}\\.${key}(\\.0)?: `))
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
      settings: {
        start: '2024-01-01T00:00:00.000Z',
        overlap: '1d',
        slice: '30d',
        settle: '0s',
        sweep: '1w',
        schema: 'warn',
        max_rejects: 100,
      },
      mask: ['/name', '/emails/*/address'],
      options: {},
    })
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
