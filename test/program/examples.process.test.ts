import {execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {readdirSync, readFileSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {Config, Parser} from '@oclif/core'
import {expect} from 'chai'
import {parseAllDocuments} from 'yaml'

import {EXIT} from '../../src/base/errors.ts'
import {lorchestra} from '../support/cli.ts'
import {folderForEachTest} from '../support/folder.ts'

const root = resolve(import.meta.dirname, '../..')
const examples = join(root, 'examples')
const files = new Map(readdirSync(examples).map((name) => [name, readFileSync(join(examples, name), 'utf8')]))
const textOf = (name: string): string => files.get(name) ?? ''

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

type Tree = {readonly [key: string]: Tree} & readonly Tree[] & string
const documentsOf = (name: string): readonly Tree[] =>
  parseAllDocuments(textOf(name)).map((document) => {
    if (!('errors' in document)) throw new Error(`${name} is empty`)
    expect(document.errors, name).to.deep.equal([])
    return document.toJS() as Tree
  })

/** Sections of a systemd unit; what is neither a section, a setting nor a comment is an error. */
function unit(name: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  let section = ''
  for (const line of textOf(name).split('\n')) {
    const [, opened, key, value = ''] = /^(?:\[(\w+)\]|(\w+)=(.*))$/.exec(line) ?? []
    if (opened !== undefined) section = opened
    else if (key !== undefined) settings.set(`${section}.${key}`, value)
    else expect(line, name).to.match(/^(#.*)?$/)
  }
  return settings
}

describe('the examples for schedulers', () => {
  it('are YAML where they say so', () => {
    const yaml = [...files.keys()].filter((name) => /\.ya?ml$/.test(name))
    expect(yaml.length).to.equal(4)
    for (const name of yaml) expect(documentsOf(name).length).to.be.above(0)
  })

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
      'crontab',
      'github-actions.yml',
      'kubernetes-cronjob.yaml',
      'lorchestra.service',
    ])
  })

  it('name only files that are there', () => {
    for (const [name, text] of files) {
      const named = text.match(/(?<![\w./])[\w-]+\.(?:ya?ml|sh|service|timer)\b/g) ?? []
      for (const file of named) expect([...files.keys()], name).to.include(file)
    }
    const copied = [...textOf('Containerfile').matchAll(/^COPY (?:--\S+ )*(\S+)/gm)].map(([, file]) => file)
    expect(copied).to.deep.equal(['scheduled.sh', 'lorchestra.yaml'])
  })

  it('hold no secret', () => {
    for (const [name, text] of files) {
      const values = [...text.matchAll(/\w*(?:secret|token)\w*\s*[:=]\s*(\S+)/gi)].map((match) => match[1] ?? '')
      for (const value of values) expect(value, name).to.match(/^(?:\$|\{|write|lorchestra)/)
    }
  })

  it('have a configuration that can be read', async () => {
    const {code, stderr} = await lorchestra(['jobs', 'list', '--config', join(examples, 'lorchestra.yaml')], {
      cwd: root,
      env: {GCP_PROJECT: 'project', EVENTS_BQ_DATASET: 'dataset'},
    })
    expect(code, stderr).to.equal(0)
  })

  it('keep secrets and temporary files where they last, and where they need not', () => {
    const image = textOf('Containerfile')
    expect(image).to.contain('ENV XDG_DATA_HOME=/var/lib XDG_CACHE_HOME=/var/cache\n')
    const service = unit('lorchestra.service')
    expect(service.get('Service.Environment')).to.equal('XDG_DATA_HOME=/var/lib XDG_CACHE_HOME=/var/cache')
    expect([service.get('Service.StateDirectory'), service.get('Service.CacheDirectory')]).to.deep.equal([
      'lorchestra',
      'lorchestra',
    ])
    const pod = documentsOf('kubernetes-cronjob.yaml')[0]?.['spec']?.['jobTemplate']?.['spec']?.['template']?.['spec']
    const mounts = pod?.['containers']?.[0]?.['volumeMounts'] ?? []
    expect(mounts.map(({mountPath}) => mountPath)).to.include.members(['/var/lib/lorchestra', '/var/cache/lorchestra'])
    const volumes = (pod?.['volumes'] ?? []).map((volume) => volume['name'])
    expect(volumes).to.include.members(mounts.map((mount) => mount['name']))
  })

  it('are units, and lines of a crontab', () => {
    expect(unit('lorchestra.timer').get('Timer.OnCalendar')).to.equal('hourly')
    expect(unit('lorchestra.service').get('Service.SuccessExitStatus')).to.equal(`${EXIT.rejects} ${EXIT.busy}`)
    for (const line of textOf('crontab').trim().split('\n'))
      expect(line).to.match(/^(?:#.*|[A-Z]+=\S+|(?:[\d*/,-]+ ){5}[^%]+)$/)
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
    [EXIT.busy, 0],
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
