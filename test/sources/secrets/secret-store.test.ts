import {mkdir, readdir, readFile, rm, stat, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import {useFakeTimers} from 'sinon'

import {codeOf, outcomeOf} from '../../../src/base/errors.ts'
import {createMask} from '../../../src/base/mask.ts'
import {ownProcess} from '../../../src/base/process-identity.ts'
import {createSecretStore} from '../../../src/sources/secrets/secret-store.ts'
import {temporaryFolder} from '../../support/cli.ts'

async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    expect(error).to.be.instanceOf(Error)
    return error as Error
  }
  throw new Error('expected a rejection')
}

describe('the secret store', () => {
  let folder: string
  beforeEach(async () => {
    folder = join(await temporaryFolder(), 'secrets', 'of-a-config')
  })
  const open = (options: {account?: string; lockTimeout?: number; signal?: AbortSignal} = {}) =>
    createSecretStore({folder, account: 'acct1', mask: createMask(), ...options})
  const stored = async (): Promise<unknown> => JSON.parse(await readFile(join(folder, 'acct1.json'), 'utf8')) as unknown

  it('is empty before anything was stored, and makes no file to say so', async () => {
    expect(await open().get('refresh_token')).to.equal(undefined)
    expect(await rejectionOf(stat(folder))).to.have.property('code', 'ENOENT')
  })

  it('keeps a value for the next process', async () => {
    expect(await open().update('refresh_token', () => 'first')).to.equal('first')
    expect(await open().update('refresh_token', async (current) => `${current ?? ''}-second`)).to.equal('first-second')
    expect(await open().get('refresh_token')).to.equal('first-second')
  })

  it('keeps accounts apart', async () => {
    await open().update('refresh_token', () => 'of the first')
    expect(await open({account: 'acct2'}).get('refresh_token')).to.equal(undefined)
  })

  it('can be read by its owner alone', async () => {
    await open().update('refresh_token', () => 'hidden')
    expect((await stat(folder)).mode & 0o777).to.equal(0o700)
    expect((await stat(join(folder, 'acct1.json'))).mode & 0o777).to.equal(0o600)
  })

  it('closes a folder that was open to others', async () => {
    await mkdir(folder, {recursive: true, mode: 0o755})
    await open().update('refresh_token', () => 'hidden')
    expect((await stat(folder)).mode & 0o777).to.equal(0o700)
  })

  it('leaves nothing but the file behind', async () => {
    await open().update('refresh_token', () => 'value')
    expect(await readdir(folder)).to.deep.equal(['acct1.json'])
  })

  it('hides every value that it reads or stores', async () => {
    await open().update('refresh_token', () => 'old-secret')
    const mask = createMask()
    await createSecretStore({folder, account: 'acct1', mask}).update('refresh_token', () => 'new-secret')
    expect(mask.apply('old-secret new-secret')).to.equal('*** ***')
  })

  it('keeps the old value where the change fails', async () => {
    await open().update('refresh_token', () => 'old')
    const failed = open().update('refresh_token', async () => {
      throw new Error('the service is down')
    })
    expect(await rejectionOf(failed)).to.have.property('message', 'the service is down')
    expect(await open().get('refresh_token')).to.equal('old')
    expect(await open().update('refresh_token', () => 'new')).to.equal('new')
  })

  for (const text of ['', '{"refresh_token": "sec', '[]', 'null', '{"refresh_token": 5}']) {
    it(`names the file instead of starting over where it holds ${JSON.stringify(text)}`, async () => {
      await mkdir(folder, {recursive: true})
      await writeFile(join(folder, 'acct1.json'), text)
      const errors = [
        await rejectionOf(open().get('refresh_token')),
        await rejectionOf(open().update('refresh_token', () => 'new')),
      ]
      for (const error of errors) {
        expect(error.message).to.include(join(folder, 'acct1.json'))
        expect(error.message).not.to.include('sec"')
        expect(error.cause).to.equal(undefined)
      }
      expect(await readFile(join(folder, 'acct1.json'), 'utf8')).to.equal(text)
    })
  }

  it('replaces what a killed process left half written', async () => {
    await mkdir(folder, {recursive: true})
    await writeFile(join(folder, 'acct1.json.new'), '{"refresh_to')
    await open().update('refresh_token', () => 'value')
    expect(await stored()).to.deep.equal({refresh_token: 'value'})
  })

  it('does one update after the other in one process, also through two stores', async () => {
    const names = Array.from({length: 10}, (_, index) => `token_${index}`)
    await Promise.all(
      names.flatMap((name) => [
        open().update(name, () => name),
        open().update('count', async (current) => String(Number(current ?? '0') + 1)),
      ]),
    )
    expect(await stored()).to.deep.equal({...Object.fromEntries(names.map((name) => [name, name])), count: '10'})
  })

  it('refuses an update from within an update instead of waiting for ever', async () => {
    const store = open()
    const nested = store.update('one', async () => store.update('two', () => 'value'))
    expect((await rejectionOf(nested)).message).to.include('from within the update')
  })

  it('lets a change read other secrets', async () => {
    const store = open()
    await store.update('one', () => 'first')
    expect(await store.update('two', async () => (await store.get('one')) ?? 'nothing')).to.equal('first')
  })

  for (const text of ['', '12345']) {
    it(`waits for a lock that holds ${JSON.stringify(text)}, until nobody can be writing it any more`, async () => {
      const lock = await heldByThisProcess()
      await writeFile(lock, text)
      const error = await rejectionOf(open({lockTimeout: 0}).update('one', () => 'value'))
      expect(error.message).to.equal('another process is using the secrets of acct1')
      await silentFor(6, lock)
      expect(await open({lockTimeout: 0}).update('one', () => 'value')).to.equal('value')
    })
  }

  it('says so where a value could not be stored or read, and is usable again afterwards', async () => {
    await mkdir(join(folder, 'acct1.json.new'), {recursive: true})
    const error = await rejectionOf(open().update('one', () => 'value'))
    expect(error.message).to.include(`the secrets in ${join(folder, 'acct1.json')} could not be stored: `)
    await rm(join(folder, 'acct1.json.new'), {recursive: true})
    expect(await open().update('one', () => 'value')).to.equal('value')
    await rm(join(folder, 'acct1.json'))
    await mkdir(join(folder, 'acct1.json'))
    expect((await rejectionOf(open().get('one'))).message).to.include('cannot be read')
  })

  it('uses nothing up that it could not keep: a change is asked for when its place on the disk is there', async () => {
    await open().update('one', () => 'old')
    await mkdir(join(folder, 'acct1.json.new'))
    let asked = false
    const change = (): string => {
      asked = true
      return 'new'
    }
    expect((await rejectionOf(open().update('one', change))).message).to.include('could not be stored')
    expect(asked).to.equal(false)
    await rm(join(folder, 'acct1.json.new'), {recursive: true})
    await open().update('one', async () => {
      expect((await stat(join(folder, 'acct1.json.new'))).size).to.be.above(60_000)
      return 'new'
    })
    expect(await stored()).to.deep.equal({one: 'new'})
  })

  it('leaves all as it was where a change gives nothing', async () => {
    expect(await open().update('one', () => undefined)).to.equal(undefined)
    expect(await rejectionOf(stat(join(folder, 'acct1.json')))).to.have.property('code', 'ENOENT')
    await open().update('one', () => 'value')
    expect(await open().update('one', () => undefined)).to.equal(undefined)
    expect(await stored()).to.deep.equal({one: 'value'})
    expect(await readdir(folder)).to.deep.equal(['acct1.json'])
  })

  it('refuses a change to something that is no text', async () => {
    const changed = open().update('one', () => 5 as unknown as string)
    expect((await rejectionOf(changed)).message).to.include('no text')
    expect(await open().get('one')).to.equal(undefined)
  })

  it('gives up on a lock that another process keeps, and says which file to look at', async () => {
    const lock = await heldByThisProcess()
    const error = await rejectionOf(open({lockTimeout: 0}).update('one', () => 'value'))
    expect(outcomeOf(error)).to.equal('busy')
    expect(error.message).to.include(`process ${process.pid} on `)
    expect(error).to.have.property('next').that.includes(lock)
    expect(await readFile(lock, 'utf8')).to.include('another copy')
  })

  for (const [who, holder] of [
    ['another machine, whose processes it cannot see', {host: 'another-machine', pid: 2 ** 22 + 1}],
    ['a container that ended, whose pid is here that of another process', {host: 'container-1'}],
    ['a container of the same host name', {namespace: 'pid:[1]', pid: 2 ** 22 + 1}],
  ] as const) {
    it(`takes over the lock of ${who}, when that has shown no life for five minutes`, async () => {
      const lock = await heldByThisProcess(holder)
      await silentFor(4, lock)
      const error = await rejectionOf(open({lockTimeout: 0}).update('one', () => 'value'))
      expect(error.message).to.include('is using the secrets of acct1')
      await silentFor(6, lock)
      expect(await open({lockTimeout: 0}).update('one', () => 'value')).to.equal('value')
      expect(await readdir(folder)).to.deep.equal(['acct1.json'])
    })
  }

  it('says that a clock is wrong, and not to wait, where the last sign of life is one of the future', async () => {
    await silentFor(-60, await heldByThisProcess({host: 'another-machine'}))
    const error = await rejectionOf(open({lockTimeout: 0}).update('one', () => 'value'))
    expect([outcomeOf(error), codeOf(error)]).to.deep.equal(['failed', 'E_CLOCK_WRONG'])
  })

  it('leaves the lock of a process that it can see alone, however long that takes', async () => {
    await silentFor(60, await heldByThisProcess())
    const error = await rejectionOf(open({lockTimeout: 0}).update('one', () => 'value'))
    expect(error.message).to.include(`process ${process.pid} on `)
  })

  it('gets over a process that was killed while it took a lock over', async () => {
    const lock = await heldByThisProcess({host: 'another-machine'})
    await writeFile(`${lock}.takeover`, '')
    await silentFor(6, lock)
    await silentFor(6, `${lock}.takeover`)
    expect(await open().update('one', () => 'value')).to.equal('value')
    expect(await readdir(folder)).to.deep.equal(['acct1.json'])
  })

  it('gets over a process that was killed before it could name itself in its lock', async () => {
    const lock = await heldByThisProcess()
    await writeFile(lock, '')
    const error = await rejectionOf(open({lockTimeout: 0}).update('one', () => 'value'))
    expect(error.message).to.include('another process is using')
    await silentFor(0.1, lock)
    expect(await open({lockTimeout: 0}).update('one', () => 'value')).to.equal('value')
    expect(await readdir(folder)).to.deep.equal(['acct1.json'])
  })

  it('shows every minute of an update that it lives', async () => {
    const clock = useFakeTimers({toFake: ['setInterval', 'clearInterval']})
    try {
      await open().update('one', async () => {
        const lock = join(folder, 'acct1.json.lock')
        await silentFor(4, lock)
        const before = (await stat(lock)).mtimeMs
        clock.tick(60_000)
        while ((await stat(lock)).mtimeMs === before);
        return 'value'
      })
    } finally {
      clock.restore()
    }
  })

  it('stops waiting when the run is stopped', async () => {
    await heldByThisProcess()
    const controller = new AbortController()
    const waiting = rejectionOf(open({signal: controller.signal}).update('one', () => 'value'))
    controller.abort(new Error('stopped by the user'))
    expect((await waiting).message).to.equal('stopped by the user')
  })

  it('refuses an account whose name would be another file', () => {
    expect(() => open({account: '../other'})).to.throw('is not the name of an account')
  })

  async function silentFor(minutes: number, file: string): Promise<void> {
    const then = new Date(Date.now() - minutes * 60_000)
    await utimes(file, then, then)
  }

  async function heldByThisProcess(differences: object = {}): Promise<string> {
    await mkdir(folder, {recursive: true})
    const lock = join(folder, 'acct1.json.lock')
    await writeFile(lock, JSON.stringify({...(await ownProcess()), lock: 'another copy', ...differences}))
    return lock
  }
})
