import {readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra} from '../support/cli.ts'
import {folderForEachTest} from '../support/folder.ts'

const RECORDER = new URL('../support/record-modules.ts', import.meta.url).href

/** What answers in a blink must not load. Files of plugins are named by where npm puts them and by where they are linked to. */
const HEAVY = [
  /\/node_modules\/(?:@duckdb|@google-cloud|@inquirer|@lorchestra)\//,
  /\/plugins\/[^/]+\/dist\//,
  /\/dist\/(?:sources|testing)\//,
  /\/dist\/chunks\/(?!start-|rolldown-runtime-|wsl-utils-|signals-)/,
  /\/node_modules\/(?:semver|@oclif\/plugin-(?:autocomplete|plugins)|npm)\//,
]
/** Bundled with ours; a command of a plugin brings its own. */
const OCLIF = /\/node_modules\/@oclif\//

describe('start-up', () => {
  const folder = folderForEachTest()

  async function modulesOf(line: readonly string[]): Promise<{code: number | null; modules: readonly string[]}> {
    const list = join(folder(), 'modules.txt')
    const {code} = await lorchestra(line, {
      cwd: folder(),
      env: {NODE_OPTIONS: `--import=${RECORDER}`, LOADED_MODULES_FILE: list},
    })
    return {code, modules: (await readFile(list, 'utf8')).split('\n')}
  }

  const heavyOf = (modules: readonly string[]): readonly string[] =>
    modules.filter((url) => HEAVY.some((pattern) => pattern.test(url)))

  for (const [line, expected] of [
    ['--version', 0],
    ['-v', 0],
    ['--help', 0],
    ['-h', 0],
    ['run --help', 0],
    ['run', 2],
    ['run some_job --dry-run --test-table', 2],
    ['help run', 0],
    ['run --help --json', 0],
    ['--json', 0],
    ['rnu --json', 2],
    ['run --json', 2],
  ] as const) {
    it(`loads nothing heavy for lorchestra ${line}`, async () => {
      const {code, modules} = await modulesOf(line.split(' '))
      expect(code).to.equal(expected)
      expect(heavyOf(modules)).to.deep.equal([])
      expect(modules.some((url) => OCLIF.test(url))).to.equal(line === 'help run')
      expect(modules.some((url) => url.endsWith('/dist/cli/hooks/init.js'))).to.equal(true)
    })
  }

  it('would see a heavy module', async () => {
    const {modules} = await modulesOf(['sources', 'list'])
    expect(heavyOf(modules).some((url) => url.includes('/chunks/engine-'))).to.equal(true)
  })
})
