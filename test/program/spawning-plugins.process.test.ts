import {readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {temporaryFolder, type CliResult} from '../support/cli.ts'
import {createProject, exists, linkPlugin, writeExternalSource, type Project} from '../support/external-source.ts'

/** A source that has a shell write a file beside lorchestra.yaml, where it can, and leaves one running. */
const SOURCE = `
import {spawn, spawnSync} from 'node:child_process'
export default {
  apiVersion: 1,
  name: 'shell',
  summary: 'what a shell says',
  options: {'~standard': {version: 1, vendor: 'shell', validate: (value) => ({value})}},
  streams: () => [{objectType: 'line', windowed: true}],
  idemKey: ({id}, {objectType, sourceSystem}) => [objectType, sourceSystem, id].join(':'),
  async *extract({log, options, resolvePath, signal}) {
    const {stdout, error} = spawnSync('sh', ['-c', 'echo "$SECRET_OF_OTHERS" > "$0"; echo said', resolvePath('planted')])
    if (error) throw error
    const left = spawn('sleep', ['600'], {stdio: 'ignore'})
    log.warn('pid ' + left.pid)
    if (options.loops) for (;;);
    yield {records: [{id: String(stdout).trim()}]}
  },
}
`
const hookWith = (spawn: string): string => `export default () => [
  {apiVersion: 1, name: 'shell', summary: 'what a shell says', ${spawn} load: async () => (await import('./source.js')).default},
]`

const ALLOWED = 'allow: [spawn]'

/** Of which accounts one allows it, and the other one does not. */
async function projectWith(spawn: string): Promise<Project> {
  const home = await temporaryFolder()
  await linkPlugin(
    await writeExternalSource({name: 'shell', files: {'source.js': SOURCE, 'hook.js': hookWith(spawn)}}),
    home,
  )
  return createProject({
    home,
    yaml: `accounts:
  trusted: {source: shell, ${ALLOWED}}
  other: {source: shell}
jobs:
  lines: {account: trusted}
  looping: {account: trusted, loops: true}
  refused: {account: other}
  alone: {source: shell}
`,
  })
}

const planted = async ({folder}: Project): Promise<boolean> => exists(join(folder, 'planted'))
const pidIn = (text: string): number => Number(/pid (\d+)/.exec(text)?.[1])

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 5000
  while (Date.now() < deadline && isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(isAlive(pid), `${pid} is alive`).to.equal(false)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a source that starts processes', () => {
  it('is refused where its account does not allow it, by run, doctor and jobs show, with the line that would', async () => {
    const project = await projectWith('spawn: true,')
    const says = ({code, stdout, stderr}: CliResult, owner: string, place: string): void => {
      expect(code, stdout + stderr).to.be.oneOf([1, 2])
      expect(stdout + stderr).to.include(
        `the source shell of the plugin lorchestra-source-shell starts processes, and the ${owner} does not allow it`,
      )
      expect(stdout + stderr).to.include(`add the line \`allow: [spawn]\` under \`${place}:\` in lorchestra.yaml`)
    }
    for (const args of [
      ['run', 'refused'],
      ['run', 'refused', '--dry-run'],
      ['doctor', 'refused'],
      ['jobs', 'show', 'refused'],
    ])
      says(await project.run(args), 'account other', 'accounts: other')
    says(await project.run(['run', 'alone']), 'job alone', 'jobs: alone')
    says(await project.run(['run', 'lines', '--account', 'other']), 'account other', 'accounts: other')
    expect((await project.run(['run', 'refused'])).stderr).to.include('[E_NOT_ALLOWED]')
    expect(await planted(project)).to.equal(false)
  })

  it('cannot where it does not say so, whatever its account allows', async () => {
    for (const spawn of ['', 'spawn: false,']) {
      const project = await projectWith(spawn)
      for (const mode of [[], ['--dry-run'], ['--test-table']])
        for (const job of ['lines', 'refused']) {
          const {code, stderr} = await project.run(['run', job, ...mode])
          expect(code).to.equal(1)
          expect(stderr).to.include('a source runs in a box, and this one tried to start a process')
        }
      expect(await planted(project)).to.equal(false)
    }
  })

  it('can where both say so, is told of in the safe modes, and what it leaves behind ends with its box', async () => {
    const project = await projectWith('spawn: true,')
    const warning = 'lines reads a source that starts processes (allow: [spawn])'
    for (const mode of [['--dry-run'], ['--test-table']]) {
      const {code, stderr} = await project.run(['run', 'lines', ...mode], {SECRET_OF_OTHERS: 'hush'})
      expect(code, stderr).to.equal(0)
      expect(stderr).to.include(warning).and.to.include('cannot keep what is started from writing')
      await untilGone(pidIn(stderr))
    }
    const {code, stdout, stderr} = await project.run(['run', 'lines'], {SECRET_OF_OTHERS: 'hush'})
    expect([code, stdout]).to.deep.equal([0, stdout])
    expect(stdout).to.include('1 extracted, 1 inserted')
    expect(stderr).not.to.include(warning)
    expect(
      (await readFile(join(project.folder, 'planted'), 'utf8')).trim(),
      'the environment is not handed on',
    ).to.equal('')
    expect((await project.run(['jobs', 'show', 'lines'])).stdout).to.match(/^allow +spawn$/m)
  })

  it('leaves nothing running where lorchestra is killed, in an endless loop as well', async () => {
    const project = await projectWith('spawn: true,')
    const running = await project.start(['run', 'looping'])
    let seen = ''
    await new Promise<void>((resolve) => {
      running.process.stderr?.on('data', (chunk: string) => {
        seen += chunk
        if (/pid \d+\s/.test(seen)) resolve()
      })
    })
    expect(isAlive(pidIn(seen))).to.equal(true)
    running.process.kill('SIGKILL')
    await running.result
    await untilGone(pidIn(seen))
  })
})
