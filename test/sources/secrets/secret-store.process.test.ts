import {execFile} from 'node:child_process'
import {mkdir, readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'

import {expect} from 'chai'

import {createMask} from '../../../src/base/mask.ts'
import {ownProcess} from '../../../src/base/process-identity.ts'
import {createSecretStore} from '../../../src/sources/secrets/secret-store.ts'
import {temporaryFolder} from '../../support/cli.ts'

const STORE_MODULE = new URL('../../../src/sources/secrets/secret-store.ts', import.meta.url).href
const run = promisify(execFile)

describe('the secret store', () => {
  let folder: string
  beforeEach(async () => {
    folder = join(await temporaryFolder(), 'secrets', 'of-a-config')
  })
  const open = () => createSecretStore({folder, account: 'acct1', mask: createMask()})
  const stored = async (): Promise<unknown> => JSON.parse(await readFile(join(folder, 'acct1.json'), 'utf8')) as unknown

  it('loses no update of two processes that update at once', async () => {
    const script = `
      const {createSecretStore} = await import(${JSON.stringify(STORE_MODULE)})
      const mask = {add() {}, apply: (text) => text}
      const store = createSecretStore({folder: ${JSON.stringify(folder)}, account: 'acct1', mask})
      for (let round = 0; round < 40; round += 1) {
        await store.update('count', (current) => String(Number(current ?? '0') + 1))
        await store.update('by-' + process.argv[1] + '-' + round, () => 'done')
      }
    `
    await Promise.all(
      ['one', 'other'].map(async (name) => run(process.execPath, ['--input-type=module', '-e', script, name])),
    )
    const secrets = (await stored()) as Record<string, string>
    expect(secrets['count']).to.equal('80')
    expect(Object.keys(secrets)).to.have.lengthOf(81)
    expect(await readdir(folder)).to.deep.equal(['acct1.json'])
  })

  it('takes over the lock of a process that was killed while it held it', async () => {
    const script = `
      const {createSecretStore} = await import(${JSON.stringify(STORE_MODULE)})
      const mask = {add() {}, apply: (text) => text}
      const store = createSecretStore({folder: ${JSON.stringify(folder)}, account: 'acct1', mask})
      await store.update('one', () => { process.kill(process.pid, 'SIGKILL'); return 'never' })
    `
    await run(process.execPath, ['--input-type=module', '-e', script]).then(
      () => expect.fail('it was not killed'),
      (error: {signal: string}) => expect(error.signal).to.equal('SIGKILL'),
    )
    expect(await readdir(folder)).to.include('acct1.json.lock')
    expect(await open().update('one', () => 'after all')).to.equal('after all')
    expect(await readdir(folder)).to.deep.equal(['acct1.json'])
  })

  it('loses no update of several processes that find the lock of a killed one', async () => {
    await lockedByDeadProcess()
    const script = `
      const {createSecretStore} = await import(${JSON.stringify(STORE_MODULE)})
      const mask = {add() {}, apply: (text) => text}
      const store = createSecretStore({folder: ${JSON.stringify(folder)}, account: 'acct1', mask})
      for (let round = 0; round < 5; round += 1) {
        await store.update('count', (current) => String(Number(current ?? '0') + 1))
      }
    `
    const processes = Array.from({length: 4}, async () => run(process.execPath, ['--input-type=module', '-e', script]))
    await Promise.all(processes)
    expect(await stored()).to.deep.equal({count: '20'})
    expect(await readdir(folder)).to.deep.equal(['acct1.json'])
  })

  async function lockedByDeadProcess(): Promise<void> {
    await mkdir(folder, {recursive: true})
    const owner = {...(await ownProcess()), pid: 2 ** 22 + 1, lock: 'another copy'}
    await writeFile(join(folder, 'acct1.json.lock'), JSON.stringify(owner))
  }
})
