import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {chmod, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'

import {expect} from 'chai'

import {homeOfTest, lorchestra} from '../../support/cli.ts'
import {environmentOf, PROGRAM} from '../../support/program.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {programOnTerminal, terminalIsThere} from '../../support/terminal.ts'

const YAML = `accounts:
  acct1: {source: gmail}
jobs:
  gmail_ingest_acct1: {account: acct1}
  gmail_backfill: {account: acct1}
  notes: {source: notes}
`

/** What bash does when somebody presses Tab after these words. */
const COMPLETE = `
eval "$(lorchestra autocomplete script bash)"
read -r -a COMP_WORDS <<< "$LINE"
[[ "$LINE" == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
function=$(complete -p lorchestra | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
"$function" lorchestra
printf '%s\\n' "\${COMPREPLY[@]+"\${COMPREPLY[@]}"}"
`

const ZSH = '/usr/bin/zsh'
const functions = async (shell: string, file: string): Promise<string> =>
  join(await homeOfTest(), 'cache', 'lorchestra', 'autocomplete', 'functions', shell, file)

/** Where jobs are named, `lorchestra` is on the path, and its completion has been made for `shell`. */
function folderWithCompletion(shell: string): () => string {
  const folder = folderForEachTest()
  beforeEach(async () => {
    await writeFile(join(folder(), 'lorchestra.yaml'), YAML)
    await writeFile(join(folder(), 'lorchestra'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`)
    await chmod(join(folder(), 'lorchestra'), 0o755)
    expect((await lorchestra(['autocomplete', shell], {cwd: folder()})).code).to.equal(0)
  })
  return folder
}

describe('completion in bash', () => {
  const folder = folderWithCompletion('bash')

  async function completed(line: string, cwd = folder()): Promise<readonly string[]> {
    const env = environmentOf(await homeOfTest(), {LINE: line})
    const {stdout} = await promisify(execFile)('bash', ['--norc', '-c', COMPLETE], {
      cwd,
      env: {...env, PATH: `${folder()}:${env['PATH'] ?? ''}`},
    })
    // bash itself shows a word once.
    return [...new Set(stdout.split('\n'))].filter((word) => word !== '')
  }

  it('knows commands and their flags', async () => {
    expect(await completed('lorchestra wareh')).to.deep.equal(['warehouse'])
    expect(await completed('lorchestra jobs ')).to.have.members(['explore', 'list', 'show'])
    expect(await completed('lorchestra run --dry')).to.deep.equal(['--dry-run'])
  })

  it('knows the jobs of lorchestra.yaml', async () => {
    expect(await completed('lorchestra run gm')).to.have.members(['gmail_ingest_acct1', 'gmail_backfill'])
    expect(await completed('lorchestra jobs show n')).to.deep.equal(['notes'])
    expect(await completed('lorchestra doctor n')).to.deep.equal(['notes'])
    expect(await completed('lorchestra run gmail_backfill --test-table no')).to.deep.equal(['notes'])
    expect(await completed('lorchestra run gmail_backfill --test-t')).to.deep.equal(['--test-table'])
  })

  it('takes the jobs of the file that --config names, and offers none as the value of a flag', async () => {
    await writeFile(join(folder(), 'other.yaml'), YAML.replace('notes:', 'diary:'))
    expect(await completed('lorchestra run --config other.yaml d')).to.deep.equal(['diary'])
    expect(await completed('lorchestra run --config oth')).to.deep.equal(['other.yaml'])
    expect(await completed('lorchestra run --account ')).to.deep.equal([])
  })

  it('offers nothing where lorchestra.yaml cannot be read', async () => {
    await writeFile(join(folder(), 'lorchestra.yaml'), 'jobs: [')
    expect(await completed('lorchestra run g')).to.deep.equal([])
  })

  it('is added to once, however often it is made', async () => {
    const first = await completed('lorchestra run gm')
    await lorchestra(['autocomplete', '--refresh-cache'], {cwd: folder()})
    expect(await completed('lorchestra run gm')).to.deep.equal(first)
    const script = await readFile(await functions('bash', 'lorchestra.bash'), 'utf8')
    expect(script.match(/^_lorchestra_with_job_names\(\)$/gm)).to.have.lengthOf(1)
  })
})

describe('completion in zsh', () => {
  const folder = folderWithCompletion('zsh')

  it('asks for the jobs after each command that takes some, and only there', async () => {
    await lorchestra(['autocomplete', '--refresh-cache'], {cwd: folder()})
    const script = await readFile(await functions('zsh', '_lorchestra'), 'utf8')
    const jobsAfter = [
      ...script.matchAll(/^ *"?([\w-]+)"?\)\n *_arguments -S (?:(?!;;)[^])*?"\*: :_lorchestra_job_names"/gm),
    ]
    expect(jobsAfter.map(([, command]) => command)).to.have.members([
      // jobs
      'explore',
      'show',
      'doctor',
      // test
      'compare',
      'promote',
      'seed',
      'reconcile',
      'replay',
      'verify',
      'run',
      'run-job',
      // schema
      'accept',
      'diff',
      'show',
      // views
      'check',
      'create',
      'print',
    ])
    expect(script.match(/^_lorchestra_job_names\(\)/gm)).to.have.lengthOf(1)
  })

  if (existsSync(ZSH) && terminalIsThere()) {
    /** What stands in the line after Tab; the last words are completed. */
    const completed = async (line: string): Promise<string> => {
      const setup = `eval "$(lorchestra autocomplete script zsh)"; print -r loaded\n`
      const env = {PS1: 'ready> ', PATH: `${folder()}:${process.env['PATH']}`}
      const {screen} = await programOnTerminal([ZSH, '-f', '-i'], {cwd: folder(), env}, [
        ['ready> ', setup],
        ['\nloaded', `${line}\t\u0001print -r -- "[" \u0005 "]"\nexit\n`],
      ])
      return /\n\[ (.*?) +\]/.exec(screen.replaceAll('\r', ''))?.[1] ?? screen
    }

    it('knows the jobs of lorchestra.yaml', async () => {
      expect(await completed('lorchestra run gmail_b')).to.equal('lorchestra run gmail_backfill')
      expect(await completed('lorchestra run --test-table no')).to.equal('lorchestra run --test-table notes')
      expect(await completed('lorchestra jobs show no')).to.equal('lorchestra jobs show notes')
      expect(await completed('lorchestra doctor no')).to.equal('lorchestra doctor notes')
    })

    it('takes the jobs of the file that --config names', async () => {
      await writeFile(join(folder(), 'other.yaml'), YAML.replace('notes:', 'diary:'))
      const line = 'lorchestra run --config other.yaml d'
      expect(await completed(line)).to.equal(`${line}iary`)
    })
  }
})
