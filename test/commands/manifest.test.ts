import {readdir, readFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

const root = resolve(import.meta.dirname, '../..')

describe('oclif.manifest.json', () => {
  it('lists every command', async () => {
    const manifest = JSON.parse(await readFile(join(root, 'oclif.manifest.json'), 'utf8')) as {
      commands: Readonly<Record<string, {aliases: readonly string[]; runsJobs?: boolean}>>
    }
    const {commands} = manifest
    const files = await readdir(join(root, 'src', 'commands'), {recursive: true})
    const ids = files.filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -3).replaceAll('/', ':'))
    expect(Object.keys(commands).toSorted()).to.deep.equal(ids.toSorted())
    expect(commands['run']?.aliases).to.deep.equal(['run-job'])
    const runningJobs = Object.keys(commands).filter((id) => commands[id]?.runsJobs === true)
    expect(runningJobs, 'what makes the init hook set a mode').to.deep.equal([
      'apply',
      'reconcile',
      'rejects:retry',
      'run',
      'runs:undo',
      'schema:accept',
      'test:drop',
      'test:promote',
      'test:seed',
      'warehouse:dedupe',
    ])
  })
})
