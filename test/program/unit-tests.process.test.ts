import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {folderForEachTest} from '../support/folder.ts'
import {PACKAGE, runNode} from '../support/package-copy.ts'

const MOCHA = join(PACKAGE, 'node_modules', 'mocha', 'bin', 'mocha.js')
const GUARD = join(PACKAGE, 'test', 'support', 'no-processes.ts')

const STARTING: Readonly<Record<string, string>> = {
  spawn: `spawn(process.execPath, ['--version'])`,
  'spawn of somebody who has it already': `early(process.execPath, ['--version'])`,
  fork: `fork('nothing.js')`,
  exec: `exec('true')`,
  'a promise of execFile': `promisify(execFile)(process.execPath, ['--version'])`,
  spawnSync: `spawnSync(process.execPath, ['--version'])`,
  execFileSync: `execFileSync(process.execPath, ['--version'])`,
  execSync: `execSync('true')`,
}

describe('a unit test that starts a process', () => {
  const folder = folderForEachTest()

  it('fails, in whatever way it does that, and is told where it belongs', async () => {
    const file = join(folder(), 'starting.test.mjs')
    const tests = Object.entries(STARTING).map(([name, call]) => `it('${name}', async () => { await ${call} })`)
    await writeFile(
      file,
      `import {exec, execFile, execFileSync, execSync, fork, spawn, spawnSync} from 'node:child_process'
       import {promisify} from 'node:util'
       const early = spawn
       ${tests.join('\n')}`,
    )
    const {stdout} = await runNode([MOCHA, '--no-config', '--reporter', 'json', '--require', GUARD, file], {
      cwd: PACKAGE,
      home: folder(),
    })
    const {failures, passes} = JSON.parse(stdout) as {
      failures: {title: string; err: {message: string}}[]
      passes: unknown[]
    }
    expect(passes).to.deep.equal([])
    expect(failures.map(({title}) => title)).to.deep.equal(Object.keys(STARTING))
    for (const {err} of failures) expect(err.message).to.contain('belongs into a file *.process.test.ts')
  })
})
