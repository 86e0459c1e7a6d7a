import {execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {readdirSync, readFileSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {Config, Parser} from '@oclif/core'
import {expect} from 'chai'

import {EXIT} from '../../src/base/errors.ts'
import {lorchestra} from '../support/cli.ts'
import {folderForEachTest} from '../support/folder.ts'

const root = resolve(import.meta.dirname, '../..')
const examples = join(root, 'examples')
const files = new Map(readdirSync(examples).map((name) => [name, readFileSync(join(examples, name), 'utf8')]))

/** Quotes hold a word together; nothing in the examples needs more of a shell. */
const wordsOf = (line: string): readonly string[] =>
  (line.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? []).map((word) => word.replaceAll(/['"]/g, ''))

/** The arguments of lorchestra wherever a file gives them: in a shell's words, in a list of YAML, in a container file. */
function commandLines(text: string): readonly (readonly string[])[] {
  const topics = 'run|accounts|jobs|rejects|runs|sources|warehouse|doctor|init|plugins'
  const called = new RegExp(`(?:\\blorchestra|scheduled\\.sh) ((?:${topics})\\b[^|&;>\`\\n:]*)`, 'g')
  return [
    ...[...text.matchAll(called)].map((match) => wordsOf(match[1] ?? '')),
    ...[...text.matchAll(/^ *(?:args:|CMD) \[(.*)\]$/gm)].map((match) =>
      wordsOf((match[1] ?? '').replaceAll(',', ' ')),
    ),
  ]
}

describe('the examples for schedulers', () => {
  it('call lorchestra with what it accepts', async () => {
    const config = await Config.load(root)
    const scheduling = new Set<string>()
    for (const [name, text] of files) {
      for (const words of commandLines(text)) {
        const length = config.findCommand(words.slice(0, 2).join(':')) === undefined ? 1 : 2
        const command = await config.findCommand(words.slice(0, length).join(':'))?.load()
        if (command === undefined) throw new Error(`${name}: there is no command ${words.join(' ')}`)
        const {flags, baseFlags, args, strict} = command
        await Parser.parse(words.slice(length), {flags: {...baseFlags, ...flags}, args, strict})
        if (command.id === 'run') scheduling.add(name)
      }
    }
    expect([...scheduling].toSorted()).to.deep.equal([
      'Containerfile',
      'cloud-run-job.yaml',
      'cloud-run-tasks.yaml',
      'crontab',
      'github-actions.yml',
      'kubernetes-cronjob.yaml',
      'kubernetes-indexed-job.yaml',
      'lorchestra.service',
    ])
  })

  it('have a configuration that can be read', async () => {
    const {code, stderr} = await lorchestra(['jobs', 'list', '--config', join(examples, 'lorchestra.yaml')], {
      cwd: root,
      env: {GCP_PROJECT: 'project', EVENTS_BQ_DATASET: 'dataset'},
    })
    expect(code, stderr).to.equal(0)
  })
})

describe('scheduled.sh', () => {
  const folder = folderForEachTest()
  const start = async (stub: string) => {
    await writeFile(join(folder(), 'lorchestra'), `#!/bin/sh\n${stub}\n`, {mode: 0o755})
    return {PATH: `${folder()}:${process.env['PATH']}`}
  }

  for (const [code, expected] of [
    [EXIT.done, 0],
    [EXIT.failed, 1],
    [EXIT.usage, 2],
    [EXIT.rejects, 0],
    [EXIT.busy, 4],
    [EXIT.mode, 70],
  ] as const) {
    it(`ends with ${expected} where lorchestra ends with ${code}`, async () => {
      const env = await start(`echo "$#" "$@"; exit ${code}`)
      const child = execFile(join(examples, 'scheduled.sh'), ['run', 'gmail_*', 'a b'], {env})
      let output = ''
      child.stdout?.on('data', (text: string) => (output += text))
      expect(await once(child, 'close')).to.deep.equal([expected, null])
      expect(output).to.equal('3 run gmail_* a b\n')
    })
  }

  it('hands on a signal and waits for the end of the run', async () => {
    const env = await start(`trap 'sleep 0.2; echo stored; exit 143' TERM; echo began; while :; do sleep 0.05; done`)
    const child = spawn(join(examples, 'scheduled.sh'), ['run', 'x'], {env})
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output === 'began\n') child.kill('SIGTERM')
    })
    expect(await once(child, 'close')).to.deep.equal([143, null])
    expect(output).to.equal('began\nstored\n')
  })
})
