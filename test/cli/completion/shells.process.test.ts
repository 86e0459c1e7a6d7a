import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {chmod, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'

import {expect} from 'chai'

import {homeOfTest, lorchestra, type CliResult} from '../../support/cli.ts'
import {environmentOf, PROGRAM} from '../../support/program.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {programOnTerminal, terminalIsThere} from '../../support/terminal.ts'

const YAML = `accounts:
  acct1: {source: gmail}
  clinic: {source: dataverse}
jobs:
  gmail_ingest_acct1: {account: acct1}
  gmail_backfill: {account: acct1}
  notes: {source: files, path: notes.jsonl, key: id}
`

/** What bash does when somebody presses Tab after these words. */
const IN_BASH = `
eval "$(lorchestra autocomplete script bash)"
read -r -a COMP_WORDS <<< "$LINE"
[[ "$LINE" == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
function=$(complete -p lorchestra | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
"$function" lorchestra
printf '%s\\n' "\${COMPREPLY[@]+"\${COMPREPLY[@]}"}"
`

const ZSH = '/usr/bin/zsh'
const FISH = '/usr/bin/fish'

const folder = folderForEachTest()
beforeEach(async () => {
  await writeFile(join(folder(), 'lorchestra.yaml'), YAML)
  await writeFile(join(folder(), 'notes.jsonl'), '{"id": 1}\n')
  await writeFile(join(folder(), 'lorchestra'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`)
  await chmod(join(folder(), 'lorchestra'), 0o755)
})

const run = async (...args: readonly string[]): Promise<CliResult> => lorchestra(args, {cwd: folder()})
const scriptOf = async (shell: string, file: string): Promise<string> =>
  readFile(join(await homeOfTest(), 'cache', 'lorchestra', 'autocomplete', 'functions', shell, file), 'utf8')

async function inShell(
  shell: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const all = environmentOf(await homeOfTest(), env)
  const {stdout} = await promisify(execFile)(shell, args, {
    cwd: folder(),
    env: {...all, PATH: `${folder()}:${all['PATH'] ?? ''}`},
  })
  return stdout
}

const wordsOf = (text: string): readonly string[] => text.split('\n').filter((word) => word !== '')

/** Each shell is asked the same. */
function knowsWhatIsThere(completed: (line: string) => Promise<readonly string[]>): void {
  it('knows commands, flags and their values', async () => {
    expect(await completed('lorchestra wareh')).to.deep.equal(['warehouse'])
    expect(await completed('lorchestra jobs ')).to.have.members(['add', 'explore', 'list', 'show'])
    expect(await completed('lorchestra run --dry')).to.deep.equal(['--dry-run'])
    expect(await completed('lorchestra run gmail_backfill --test-t')).to.deep.equal(['--test-table'])
    expect(await completed('lorchestra init --warehouse d')).to.deep.equal(['duckdb'])
  })

  it('knows the jobs and accounts of lorchestra.yaml, and the sources', async () => {
    expect(await completed('lorchestra run gm')).to.have.members(['gmail_ingest_acct1', 'gmail_backfill'])
    expect(await completed('lorchestra run gmail_backfill --test-table gm')).to.deep.equal(['gmail_ingest_acct1'])
    expect(await completed('lorchestra jobs show n')).to.deep.equal(['notes'])
    expect(await completed('lorchestra accounts login ')).to.have.members(['acct1', 'clinic'])
    expect(await completed('lorchestra run notes --account c')).to.deep.equal(['clinic'])
    expect(await completed('lorchestra sources show g')).to.deep.equal(['gmail'])
  })

  it('takes the jobs of the file that --config names', async () => {
    await writeFile(join(folder(), 'other.yaml'), YAML.replace('notes:', 'diary:'))
    expect(await completed('lorchestra run --config other.yaml d')).to.deep.equal(['diary'])
  })

  it('knows runs and sets of test tables', async () => {
    const ran = await run('run', 'notes', '--json')
    const [{run_id: id}] = (JSON.parse(ran.stdout) as {runs: [{run_id: string}]}).runs
    await run('run', 'notes', '--test-table', '--test-set', 'alice')
    expect(await completed('lorchestra runs show notes')).to.deep.equal([id])
    expect(await completed('lorchestra test drop --test-set a')).to.deep.equal(['alice'])
  })
}

describe('completion in bash', () => {
  beforeEach(async () => {
    expect((await run('autocomplete', 'bash')).code).to.equal(0)
  })
  const completed = async (line: string): Promise<readonly string[]> =>
    wordsOf(await inShell('bash', ['--norc', '-c', IN_BASH], {LINE: line}))

  knowsWhatIsThere(completed)

  it('offers nothing where a name is made up, or lorchestra.yaml cannot be read', async () => {
    expect(await completed('lorchestra accounts add a')).to.deep.equal([])
    await writeFile(join(folder(), 'lorchestra.yaml'), 'jobs: [')
    expect(await completed('lorchestra run g')).to.deep.equal([])
  })
})

describe('completion in zsh', () => {
  beforeEach(async () => {
    expect((await run('autocomplete', 'zsh')).code).to.equal(0)
  })

  it('asks lorchestra for the words', async () => {
    expect(await scriptOf('zsh', '_lorchestra')).to.match(/^#compdef lorchestra\n[^]*lorchestra complete -- /)
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

    it('knows commands, flags, jobs, accounts and sources', async () => {
      expect(await completed('lorchestra run gmail_b')).to.equal('lorchestra run gmail_backfill')
      expect(await completed('lorchestra run --test-table no')).to.equal('lorchestra run --test-table notes')
      expect(await completed('lorchestra wareh')).to.equal('lorchestra warehouse')
      expect(await completed('lorchestra run --dry')).to.equal('lorchestra run --dry-run')
      expect(await completed('lorchestra accounts login c')).to.equal('lorchestra accounts login clinic')
      expect(await completed('lorchestra sources show gm')).to.equal('lorchestra sources show gmail')
    })

    it('takes the jobs of the file that --config names', async () => {
      await writeFile(join(folder(), 'other.yaml'), YAML.replace('notes:', 'diary:'))
      const line = 'lorchestra run --config other.yaml d'
      expect(await completed(line)).to.equal(`${line}iary`)
    })
  }
})

describe('completion in fish', () => {
  it('has a script that asks lorchestra for the words', async () => {
    const {code, stdout} = await run('autocomplete', 'fish')
    expect(code).to.equal(0)
    expect(stdout).to.match(/^complete --command lorchestra .*lorchestra complete -- /m)
  })

  if (existsSync(FISH))
    knowsWhatIsThere(async (line) => {
      await writeFile(join(folder(), 'completion.fish'), (await run('autocomplete', 'fish')).stdout)
      const asked = `source completion.fish; complete --do-complete '${line}'`
      return wordsOf(await inShell(FISH, ['--no-config', '-c', asked]))
    })
})

describe('completion in PowerShell', () => {
  const script = async (): Promise<string> => {
    expect((await run('autocomplete', 'powershell')).code).to.equal(0)
    return scriptOf('powershell', 'lorchestra.ps1')
  }

  it('has a script that asks lorchestra for the words, by itself and not by the tables of oclif', async () => {
    const text = await script()
    expect(text).to.match(/^Register-ArgumentCompleter -Native -CommandName lorchestra -ScriptBlock \{\n/)
    expect(text).to.include(' complete @asked ').and.not.to.include('test-table')
    for (const [open, close] of [
      ['(', ')'],
      ['{', '}'],
      ['[', ']'],
    ] as const)
      expect(text.split(open).length, open).to.equal(text.split(close).length)
  })

  // What the script calls, by the words that PowerShell hands it.
  describe('as the script asks', () => {
    knowsWhatIsThere(async (line) => {
      const [, ...words] = line.split(' ')
      const before = words.slice(0, -1)
      const last = words.at(-1) ?? ''
      const asked = last === '' ? ['--new-word', '--', ...before] : ['--', ...before, last]
      const {code, stdout, stderr} = await run('complete', ...asked)
      expect(code, stderr).to.equal(0)
      return wordsOf(stdout)
    })
  })

  const pwsh = (process.env['PATH'] ?? '')
    .split(':')
    .map((place) => join(place, 'pwsh'))
    .find((path) => existsSync(path))
  if (pwsh !== undefined)
    describe('itself', () => {
      knowsWhatIsThere(async (line) => {
        await writeFile(join(folder(), 'completion.ps1'), await script())
        const asked = `. ./completion.ps1; (TabExpansion2 -inputScript '${line}' -cursorColumn ${line.length}).CompletionMatches | ForEach-Object CompletionText`
        return wordsOf(await inShell(pwsh, ['-NoProfile', '-NonInteractive', '-Command', asked]))
      })
    })
})
