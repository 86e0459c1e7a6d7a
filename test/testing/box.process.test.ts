import {mkdir, rm, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'

import {expect} from 'chai'

import good from '../../templates/source/src/source.ts'
import {folderForEachTest} from '../support/folder.ts'
import {complaintOf, IN_A_BOX, setupFor} from '../support/complaints.ts'

/** What a source does at the start of `extract`, or while it is imported, and what the suite says of it. */
interface Need {
  readonly extract?: string
  readonly module?: string
  readonly files?: Readonly<Record<string, string>>
  readonly says: RegExp
}

/** Of what is refused, even where the source keeps it to itself. */
const NODE_TELLS = Number.parseInt(process.versions.node) >= 24
const VARIABLE = 'LORCHESTRA_TEST_TOKEN'

/** The source that the template has, in plain JavaScript that imports nothing. */
const sourceThat = ({extract = '', module = ''}: Partial<Need>): string => `
${module}
export default {
  apiVersion: 1,
  name: 'example',
  summary: 'items',
  options: {'~standard': {version: 1, vendor: 'test', validate: (value) => ({value})}},
  secrets: ['token'],
  streams: () => [{objectType: 'item', windowed: true}],
  idemKey: ({id}, {objectType, sourceSystem}) => [objectType, sourceSystem, id].join(':'),
  async *extract({options, window, http, resolvePath}) {
    ${extract}
    let page
    do {
      const {body} = await http.request({
        url: options.url + '/items',
        query: {since: window.since?.toISOString(), until: window.until.toISOString(), page},
        authorization: async () => 'Bearer ' + options.token,
      })
      yield {records: body.items}
      page = body.next
    } while (page !== undefined)
  },
}
`
const HOOK = `export default () => [
  {apiVersion: 1, name: 'example', summary: 'items', load: async () => (await import('./source.js')).default},
]`
const packageWith = (oclif: object): string =>
  JSON.stringify({name: 'lorchestra-source-needy', version: '1.0.0', type: 'module', oclif})

/** `OUTSIDE` stands for a folder that is not the package's. */
const NEEDS: Readonly<Record<string, Need>> = {
  'reads a file elsewhere': {
    extract: `await (await import('node:fs/promises')).readFile('OUTSIDE/file')`,
    says: /^in a box, .*tried to read .*file; .*the files that options name.*resolvePath.*`reads` of the descriptor/,
  },
  'reads a file elsewhere while it is loaded': {
    module: `import {readFileSync} from 'node:fs'\nreadFileSync('OUTSIDE/file')`,
    says: /tried to read .*file; .*resolvePath/,
  },
  'imports what is no dependency of its own': {
    module: `import 'OUTSIDE/code.js'`,
    says: /tried to read .*code\.js; a box reads the package, its dependencies/,
  },
  'wraps what was refused in words of its own': {
    extract: `const {readFile} = await import('node:fs/promises')
      await readFile('OUTSIDE/file').catch((cause) => {throw new Error('no settings', {cause})})`,
    says: /^in a box, no settings: .*tried to read .*file; .*resolvePath/,
  },
  'writes a file': {
    extract: `await (await import('node:fs/promises')).writeFile('OUTSIDE/cache', '')`,
    says: /tried to write .*cache; nothing is written: .*bookmark or `context\.secrets`/,
  },
  'starts a process': {
    extract: `(await import('node:child_process')).spawnSync(process.execPath, ['--version'])`,
    says: /tried to start a process.*; no process is started: .*`spawn` of the descriptor/,
  },
  'starts a worker': {
    extract: `new (await import('node:worker_threads')).Worker('', {eval: true})`,
    says: /tried to start a worker thread; no worker is started/,
  },
  'loads native code': {
    extract: `(await import('node:module')).createRequire(import.meta.url)('./addon.node')`,
    files: {'addon.node': 'machine code'},
    says: /tried to load native code; no native code is loaded: .*JavaScript or WebAssembly/,
  },
  'keeps a database': {
    module: `import 'node:sqlite'`,
    says: /tried to load node:sqlite; a box has no database/,
  },
  'takes a variable of the environment': {
    extract: `if (process.env.${VARIABLE} === undefined) throw new Error('no token')`,
    says: new RegExp(
      `^in a box, no token; it asked for ${VARIABLE} of the environment, .*take an option for it, .*\\$\\{${VARIABLE}\\}, and name it in \`secrets\``,
    ),
  },
  'takes a variable of the environment while it is loaded': {
    module: `const token = process.env['${VARIABLE}'].trim()`,
    says: new RegExp(`could not be loaded.*; it asked for ${VARIABLE} of the environment`),
  },
  'ends its process': {
    extract: 'process.exit(0)',
    says: /^in a box, the source ended its process \(exit code 0\); .*throw an error that says why$/,
  },
  'fails behind the back of its run': {
    extract: `setImmediate(() => {throw new Error('in the background')}); await new Promise((done) => setTimeout(done, 1000))`,
    says: /^in a box, .*in the background/,
  },
  'leaves out what it could not do': {
    extract: `try {(await import('node:fs')).readFileSync('OUTSIDE/file')} catch {return}`,
    says: NODE_TELLS
      ? /^in a box, it yielded 0 of the 60 records of the test service; .*tried to read .*file; .*resolvePath/
      : /^in a box, it yielded 0 of the 60 records of the test service/,
  },
  'has no source of that name': {
    files: {'hook.js': HOOK.replaceAll('example', 'another')},
    says: /the package lorchestra-source-needy has no source example, only another/,
  },
  'exports no hook': {files: {'hook.js': 'export default 7'}, says: /hook of the plugin .* exports no function/},
  'is not built': {
    files: {'package.json': packageWith({hooks: {'lorchestra:sources': './dist/hook.js'}})},
    says: /its hook .*hook\.js is not there: build the package/,
  },
  'is found by no hook': {
    files: {'package.json': packageWith({})},
    says: /package\.json names no hook lorchestra:sources/,
  },
  'brings a hook and commands that would run outside of a box': {
    files: {
      'package.json': packageWith({
        hooks: {'lorchestra:sources': './hook.js', init: './hook.js'},
        commands: './commands',
      }),
    },
    says: /brings the hook init, commands, and lorchestra refuses plugins that bring more than sources/,
  },
}

describe('the conformance suite, in a box', () => {
  const folder = folderForEachTest()

  const plugin = async ({files, ...needs}: Partial<Need>): Promise<string> => {
    const all: Readonly<Record<string, string>> = {
      'outside/file': '{}',
      'outside/code.js': '',
      'package/package.json': packageWith({hooks: {'lorchestra:sources': './hook.js'}}),
      'package/hook.js': HOOK,
      'package/source.js': sourceThat(needs).replaceAll('OUTSIDE', join(folder(), 'outside').replaceAll('\\', '/')),
      ...Object.fromEntries(Object.entries(files ?? {}).map(([path, text]) => [`package/${path}`, text])),
    }
    for (const [path, text] of Object.entries(all)) {
      await mkdir(dirname(join(folder(), path)), {recursive: true})
      await writeFile(join(folder(), path), text)
    }
    return join(folder(), 'package')
  }

  before(() => {
    process.env[VARIABLE] = 'of the tests'
  })
  after(() => {
    delete process.env[VARIABLE]
  })

  it('has no complaint about a source that needs its package and its options alone', async () => {
    const files = {'words.txt': 'of the package'}
    const extract = `const {readFileSync} = await import('node:fs')
      readFileSync(new URL('words.txt', import.meta.url))`
    const setup = {...setupFor(good), package: await plugin({extract, files})}
    expect(await complaintOf(IN_A_BOX, setup)).to.equal('no complaint')
  })

  it('has no complaint about one whose hook is TypeScript, as it is while it is written', async () => {
    const files = {
      'package.json': packageWith({hooks: {'lorchestra:sources': {target: './hook.ts'}}}),
      'hook.ts': HOOK.replace('()', '(): readonly object[]'),
    }
    expect(await complaintOf(IN_A_BOX, {...setupFor(good), package: await plugin({files})})).to.equal('no complaint')
  })

  it('lets a source read the file that an option names', async () => {
    const extract = `JSON.parse((await import('node:fs')).readFileSync(resolvePath(options.file), 'utf8'))`
    const root = await plugin({extract})
    const setup = withOptions({file: join(folder(), 'outside', 'file')})
    expect(await complaintOf(IN_A_BOX, {...setup, package: root})).to.equal('no complaint')
    await rm(join(folder(), 'outside', 'file'))
    expect(await complaintOf(IN_A_BOX, {...setup, package: root})).to.match(/tried to read .*file|ENOENT/)
  })

  for (const [what, {says, ...needs}] of Object.entries(NEEDS)) {
    it(`complains of a plugin that ${what}, and says what to do`, async () => {
      expect(await complaintOf(IN_A_BOX, {...setupFor(good), package: await plugin(needs)})).to.match(says)
    })
  }

  it('names the options that no lorchestra.yaml could hold', async () => {
    const root = await plugin({extract: 'options.clock()'})
    const setup = {...withOptions({clock: () => 7, tags: new Set(['a'])}), package: root}
    expect(await complaintOf(IN_A_BOX, setup)).to.match(
      /^in a box, options\.clock is not a function; of its options, clock, tags cannot stand in lorchestra\.yaml/,
    )
  })

  it('asks for the package where there is none', async () => {
    const setup = {...setupFor(good), package: folder()}
    expect(await complaintOf(IN_A_BOX, setup)).to.match(/there is no package\.json in .*: give the suite `package`/)
  })

  function withOptions(more: object) {
    const setup = setupFor({
      ...good,
      options: {'~standard': {version: 1, vendor: 'test', validate: (value: object) => ({value})}},
    })
    return {
      ...setup,
      service: async (volume: Parameters<typeof setup.service>[0]) => {
        const running = await setup.service(volume)
        return {...running, options: (url: string) => ({...running.options(url), ...more})}
      },
    }
  }
})
