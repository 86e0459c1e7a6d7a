import {readdirSync, readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'

import {expect} from 'chai'
import {parseAllDocuments} from 'yaml'

import {EXIT} from '../../src/base/errors.ts'
import {claimIn} from '../../src/model/claim.ts'
import {readTask} from '../../src/model/task.ts'

const root = resolve(import.meta.dirname, '../..')
const examples = join(root, 'examples')
const files = new Map(readdirSync(examples).map((name) => [name, readFileSync(join(examples, name), 'utf8')]))
const textOf = (name: string): string => files.get(name) ?? ''

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
    expect(yaml.length).to.equal(6)
    for (const name of yaml) expect(documentsOf(name).length).to.be.above(0)
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

  it('keep secrets and temporary files where they last, and where they need not', () => {
    const image = textOf('Containerfile')
    expect(image).to.contain('ENV XDG_DATA_HOME=/var/lib XDG_CACHE_HOME=/var/cache\n')
    const service = unit('lorchestra.service')
    expect(service.get('Service.Environment')).to.equal('XDG_DATA_HOME=/var/lib XDG_CACHE_HOME=/var/cache')
    expect([service.get('Service.StateDirectory'), service.get('Service.CacheDirectory')]).to.deep.equal([
      'lorchestra',
      'lorchestra',
    ])
    for (const name of ['kubernetes-cronjob.yaml', 'kubernetes-indexed-job.yaml']) {
      const pod = documentsOf(name)[0]?.['spec']?.['jobTemplate']?.['spec']?.['template']?.['spec']
      const mounts = pod?.['containers']?.[0]?.['volumeMounts'] ?? []
      const paths = mounts.map(({mountPath}) => mountPath)
      expect(paths).to.include.members(['/var/lib/lorchestra', '/var/cache/lorchestra'])
      const volumes = (pod?.['volumes'] ?? []).map((volume) => volume['name'])
      expect(volumes).to.include.members(mounts.map((mount) => mount['name']))
    }
  })

  it('give each task of several its number, its count and its claim', () => {
    const job = documentsOf('kubernetes-indexed-job.yaml')[0]?.['spec']?.['jobTemplate']?.['spec']
    const container = job?.['template']?.['spec']?.['containers']?.[0]
    const env = new Map((container?.['env'] ?? []).map((entry) => [String(entry['name']), entry]))
    // Kubernetes itself adds JOB_COMPLETION_INDEX, and the label that the other one is read from.
    const environment = {
      JOB_COMPLETION_INDEX: '3',
      LORCHESTRA_TASKS: String(env.get('LORCHESTRA_TASKS')?.['value']),
      LORCHESTRA_KUBERNETES_JOB: String(
        env.get('LORCHESTRA_KUBERNETES_JOB')?.['valueFrom']?.['fieldRef']?.['fieldPath'],
      ),
    }
    expect(readTask('auto', environment)).to.deep.equal({index: 3, count: Number(job?.['completions'])})
    expect(claimIn(environment)).to.equal("kubernetes/metadata.labels['batch.kubernetes.io/controller-uid']/3")
    for (const name of ['kubernetes-indexed-job.yaml', 'cloud-run-tasks.yaml'])
      expect(textOf(name)).to.contain("args: [run, 'gmail_*', --task, auto]\n")
    const refused = job?.['podFailurePolicy']?.['rules']?.[1]?.['onExitCodes']?.['values']
    expect(refused).to.deep.equal([EXIT.usage, EXIT.mode])
  })

  it('are units, and lines of a crontab', () => {
    expect(unit('lorchestra.timer').get('Timer.OnCalendar')).to.equal('hourly')
    expect(unit('lorchestra.service').get('Service.SuccessExitStatus')).to.equal(`${EXIT.rejects}`)
    for (const line of textOf('crontab').trim().split('\n'))
      expect(line).to.match(/^(?:#.*|[A-Z]+=\S+|(?:[\d*/,-]+ ){5}[^%]+)$/)
  })
})
