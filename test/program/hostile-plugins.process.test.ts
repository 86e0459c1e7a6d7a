import {readdir, readFile, stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra, temporaryFolder} from '../support/cli.ts'
import {query} from '../support/database.ts'
import {createProject, exists, linkPlugin, writeExternalSource, type Project} from '../support/external-source.ts'
import {ownCopy} from '../support/own-copy.ts'
import {PACKAGE} from '../support/package-copy.ts'

const MODES: readonly (readonly string[])[] = [['--dry-run'], ['--test-table'], []]

/** A source whose author means harm: `attack` runs within its extract, `first` where its module is loaded. */
const hostileSource = (attack: string, first = ''): string => `
import fs from 'node:fs'
import net from 'node:net'
import v8 from 'node:v8'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createRequire} from 'node:module'
const require = createRequire(import.meta.url)
${first}
export default {
  apiVersion: 1,
  name: 'hostile',
  summary: 'means harm',
  options: {'~standard': {version: 1, vendor: 'hostile', validate: (value) => ({value})}},
  streams: () => [{objectType: 'entry', windowed: true}],
  idemKey: (record, {objectType, sourceSystem}) => \`\${objectType}:\${sourceSystem}:\${record.id}\`,
  async *extract(context) {
    yield {records: [{id: 'before'}]}
    ${attack}
    yield {records: [{id: 'after'}]}
  },
}
`

interface Victim extends Project {
  /** All files that must be as they were, with what is in them. */
  fingerprint(): Promise<unknown>
}

async function victimOf(
  source: string,
  oclif: object = {},
  files: Readonly<Record<string, string>> = {},
): Promise<Victim> {
  const home = await temporaryFolder()
  const plugin = {name: 'hostile', files: {'source.js': source, ...files}, oclif}
  await linkPlugin(await writeExternalSource(plugin), home)
  await linkPlugin(await writeExternalSource({name: 'diary'}), home)
  const project = await createProject({
    home,
    yaml: `jobs:
  honest_entries:
    source: diary
    file: records.json
  hostile_entries:
    source: hostile
`,
  })
  await project.write('.env', 'OTHER_SECRET=hush-hush-hush\n')
  await project.writeRecords([{at: '2024-03-01T12:00:00Z', id: 'a'}])
  const first = await project.run(['run', 'honest_entries'])
  expect(first.code, first.stderr).to.equal(0)
  return {
    ...project,
    async fingerprint() {
      const names = (await readdir(project.folder)).filter((name) => !/\.(wal|metadata-backup)$/.test(name)).toSorted()
      return {
        names,
        production: await query(project.database, 'SELECT idem_key, payload FROM raw_objects ORDER BY 1'),
        env: await readFile(join(project.folder, '.env'), 'utf8'),
      }
    },
  }
}

/** Runs in all modes. Nothing that production holds may change in a safe one, and nothing may lie about. */
async function withstands(victim: Victim, code: number, says: RegExp, modes = MODES): Promise<void> {
  for (const mode of modes) {
    const before = await victim.fingerprint()
    const database = (await stat(victim.database)).mtimeMs
    const {code: found, stderr} = await victim.run(['run', 'hostile_entries', ...mode])
    expect(found, `${mode.join()}: ${stderr}`).to.equal(code)
    expect(stderr).to.match(says)
    expect(stderr).not.to.contain('hush-hush-hush')
    expect(await victim.fingerprint(), mode.join()).to.deep.equal(before)
    if (mode[0] === '--dry-run') expect((await stat(victim.database)).mtimeMs).to.equal(database)
  }
}

const REFUSED = /a source runs in a box, and this one tried to/

const REFUSED_ATTACKS: Readonly<Record<string, string>> = {
  'writes beside lorchestra.yaml': `fs.writeFileSync(context.resolvePath('planted'), 'x')`,
  'writes to /tmp': `fs.writeFileSync(join(tmpdir(), 'planted-by-a-plugin'), 'x')`,
  'appends to the DuckDB file': `fs.appendFileSync(context.resolvePath('lorchestra.duckdb'), 'x')`,
  'removes the DuckDB file': `fs.rmSync(context.resolvePath('lorchestra.duckdb'))`,
  'reads .env': `throw new Error(fs.readFileSync(context.resolvePath('.env'), 'utf8'))`,
  'reads lorchestra.yaml': `fs.readFileSync(context.resolvePath('lorchestra.yaml'))`,
  'reads the disk': `fs.readFileSync('/etc/passwd')`,
  'lists what lies about': `fs.readdirSync(context.resolvePath('.'))`,
  'makes a link': `fs.symlinkSync('/etc/passwd', join(tmpdir(), 'planted-link'))`,
  'starts a process': `require('node:child_process').execFileSync('/bin/sh', ['-c', 'echo x > planted'])`,
  'starts a worker': `new (require('node:worker_threads').Worker)('1', {eval: true})`,
  'opens an inspector': `require('node:inspector').open(0)`,
  'loads native code': `process.dlopen({exports: {}}, '${join(PACKAGE, 'node_modules/@duckdb/node-bindings-linux-x64/duckdb.node')}')`,
  'writes a report': `process.report.writeReport(join(tmpdir(), 'planted-report.json'))`,
  'writes a heap snapshot': `v8.writeHeapSnapshot(join(tmpdir(), 'planted.heapsnapshot'))`,
  'takes Node’s inner file system': `process.binding('fs')`,
}

const MISBEHAVIOURS: Readonly<Record<string, readonly [attack: string, says: RegExp]>> = {
  'lets go of an error': [
    `Promise.reject(new Error('nobody caught this')); await new Promise((resolve) => setTimeout(resolve, 60_000))`,
    /failed behind the back of its run: nobody caught this/,
  ],
  'never settles': [`await new Promise(() => undefined)`, /waits for something that can no longer happen/],
  'fills its memory': [
    `const all = []; for (;;) all.push(new Array(1e6).fill(Math.random()))`,
    /ran out of memory|was killed/,
  ],
  'kills itself': [`process.kill(process.pid, 'SIGKILL')`, /the process of the source was killed/],
  'speaks past the protocol': [
    `fs.writeSync(3, Buffer.from('never a frame, whatever it looks like'))
      await new Promise((resolve) => setTimeout(resolve, 60_000))`,
    /broke the protocol/,
  ],
  'sends half a frame and ends': [
    `fs.writeSync(3, Buffer.from([100, 0, 0, 0, 0, 123])); process.exit(0)`,
    /the source ended its process/,
  ],
  'lets go of its host and goes on': [
    `fs.closeSync(3); for (;;);`,
    /the source ended its process, or its connection to lorchestra/,
  ],
  'is killed within a frame': [
    `fs.writeSync(3, Buffer.from([100, 0, 0, 0, 0, 123])); process.kill(process.pid, 'SIGKILL')`,
    /the process of the source was killed \(SIGKILL\)/,
  ],
  'answers what nobody asked': [
    `const text = Buffer.from('{"of":4711,"value":null}'); const head = Buffer.alloc(5); head.writeUInt32LE(text.length)
      fs.writeSync(3, Buffer.concat([head, text])); await new Promise((resolve) => setTimeout(resolve, 60_000))`,
    /broke the protocol: it answered what nobody asked/,
  ],
  'sends bytes that are no text': [
    `const text = Buffer.from([0xff, 0xfe, 0xfd]); const head = Buffer.alloc(5); head.writeUInt32LE(text.length)
      fs.writeSync(3, Buffer.concat([head, text])); await new Promise((resolve) => setTimeout(resolve, 60_000))`,
    /broke the protocol/,
  ],
  'announces a frame that is longer than any': [
    `const head = Buffer.alloc(5); head.writeUInt32LE(0xffffffff); fs.writeSync(3, head)
      await new Promise((resolve) => setTimeout(resolve, 60_000))`,
    /longer than any may be/,
  ],
  'sends records that nobody asked for': [
    `const body = Buffer.alloc(8); body.writeUInt32LE(99); const head = Buffer.alloc(5); head.writeUInt32LE(8); head[4] = 1
      fs.writeSync(3, Buffer.concat([head, body])); await new Promise((resolve) => setTimeout(resolve, 60_000))`,
    /sent records that nobody asked for/,
  ],
  'floods its host': [
    `for (;;) { context.progress({outside: 1}); if (Math.random() < 1e-4) await new Promise(setImmediate) }`,
    /floods its host|ran out of memory|ended its process|blocked its process/,
  ],
}

/** Changes what crosses the wall for the record x: its payload, or its key. */
const forged = (payload: string, key?: readonly [idemKey: string, externalId: string]): string => `
  const own = 'entry:' + context.streams[0].sourceSystem + ':x'
  const key = ${JSON.stringify(key ?? null)}
  const {stringify} = JSON
  JSON.stringify = (value, ...more) => value?.id === 'x' ? ${JSON.stringify(payload)} : stringify(value, ...more)
  const system = context.streams[0].sourceSystem
  const forge = (text) => key !== null && String(text).startsWith(own + '\x1f')
    ? [key[0], system, 'entry', key[1], ''].join('\x1f') : text
  const {byteLength, prototype} = Buffer
  const {write} = prototype
  Buffer.byteLength = (text, ...more) => byteLength(forge(text), ...more)
  prototype.write = function (text, ...more) { return write.call(this, forge(text), ...more) }
  yield {records: [{id: 'x'}]}`

const FORGERIES: Readonly<Record<string, string>> = {
  'closes its line with a payload': forged('{"id":"x"},"idem_key":"entry:diary:a","z":{}'),
  'adds a line to its payload': forged('{"id":"x"}}\n{"idem_key":"entry:diary:a","payload":{}'),
  'takes the key of another stream': forged('{"id":"x"}', ['entry:diary:a', 'a']),
  'takes the id of another record': forged('{"id":"x"}', ['entry:hostile:x', 'of another']),
}

/** All attacks that end a slice, each in a job of its own, by what the run then says. */
const ATTACKS: readonly {what: string; attack: string; says: RegExp}[] = [
  ...Object.entries(REFUSED_ATTACKS).map(([what, attack]) => ({what, attack, says: REFUSED})),
  ...Object.entries(MISBEHAVIOURS).map(([what, [attack, says]]) => ({what, attack, says})),
  ...Object.entries(FORGERIES).map(([what, attack]) => ({
    what,
    attack,
    says: /none of its stream|the JSON of one object|what ends a line/,
  })),
  {
    what: 'writes with SQLite, which asks for no permission',
    attack: `new (require('node:sqlite').DatabaseSync)(join(tmpdir(), 'planted.sqlite'))`,
    says: /tried to load node:sqlite/,
  },
  {
    what: 'sets a flag of V8 that would write files',
    attack: `v8.setFlagsFromString('--redirect-code-traces-to=' + join(tmpdir(), 'planted-traces'))`,
    says: /did what no source may/,
  },
  ...[0, 2, 3, 4, 70, 130, 143].map((code) => ({
    what: `ends with our exit code ${code}`,
    attack: `process.exit(${code})`,
    says: new RegExp(`the source ended its process \\(exit code ${code}\\)`),
  })),
]

describe('hostile plugins that attack within a slice', () => {
  let victim: Victim
  const results = new Map<
    string,
    {readonly code: number | null; readonly stderr: string; readonly unchanged: boolean}
  >()

  before(async () => {
    const cases = ATTACKS.map(({attack}, index) => `case ${index}: { ${attack}\n break }`).join('\n')
    victim = await victimOf(hostileSource(`switch (context.options.attack) { ${cases} }`))
    const jobs = ATTACKS.map(
      (_, index) =>
        `  attack_${index}:\n    source: hostile\n    source_system: attack_${index}\n    attack: ${index}\n`,
    )
    await victim.write('attacks.yaml', `jobs:\n${jobs.join('')}`)
    for (const mode of MODES) {
      const before = JSON.stringify(await victim.fingerprint())
      const args = ['run', 'attack_*', '--config', 'attacks.yaml', '--concurrency', '4', ...mode]
      const {code, stderr} = await victim.run(args)
      results.set(mode.join(), {code, stderr, unchanged: JSON.stringify(await victim.fingerprint()) === before})
    }
  })

  for (const mode of MODES) {
    it(`change nothing that production holds (${mode.join() || 'production'}), and the run has failed`, () => {
      const result = results.get(mode.join())
      expect(result?.unchanged).to.equal(true)
      expect(result?.code).to.equal(1)
      expect(result?.stderr).not.to.contain('hush-hush-hush')
    })

    for (const [index, {what, says}] of ATTACKS.entries())
      it(`fail their slice where one ${what} (${mode.join() || 'production'})`, () => {
        const stderr = results.get(mode.join())?.stderr ?? ''
        const start = stderr.indexOf(`✗ attack_${index}: `)
        expect(start, stderr).to.be.at.least(0)
        expect(stderr.slice(start, stderr.indexOf('\n', start))).to.match(says)
      })
  }
})

describe('a hostile plugin', () => {
  it('sees neither the environment of the program nor its arguments', async () => {
    const victim = await victimOf(
      hostileSource(`throw new Error(JSON.stringify([process.env, process.argv, process.execArgv]))`),
    )
    const {stderr} = await victim.run(['run', 'hostile_entries', '--dry-run'], {VAULT_TOKEN: 'hush-hush-hush'})
    expect(stderr).not.to.contain('hush-hush-hush')
    expect(stderr).not.to.match(/dry-run|hostile_entries"/)
  })

  for (const [what, attack] of [
    [
      'sets the run mode that all copies share',
      `globalThis[Symbol.for('lorchestra.run-mode')] = {mode: 'production', owner: 'x'}`,
    ],
    ['brings the setter along', `(await import('./own-copy.js')).setRunMode('production')`],
    ['patches what prints', `process.stdout.write = () => true; process.stderr.write = () => true`],
    [
      'patches prototypes',
      `Array.prototype.push = () => { throw new Error('patched') }; Object.prototype.mode = 'production'`,
    ],
    ['patches fs', `fs.writeFileSync = fs.promises.writeFile = () => {}`],
  ] as const)
    it(`changes nothing but itself where it ${what}`, async () => {
      const victim = await victimOf(hostileSource('', attack), {}, {'own-copy.js': await ownCopy()})
      for (const mode of ['--dry-run', '--test-table']) {
        const before = await victim.fingerprint()
        const {code, stdout, stderr} = await victim.run(['run', 'hostile_entries', mode])
        expect([0, 1], stderr).to.include(code)
        if (code === 0) expect(stdout).to.match(/DRY RUN MODE|TEST TABLE MODE/)
        expect(await victim.fingerprint()).to.deep.equal(before)
      }
    })

  it('opens a sink of its own in no mode', async () => {
    const attack = `
      const {openSink, openWarehouse, setRunMode} = await import('./own-copy.js')
      setRunMode('production')
      const tables = {eventLog: 'event_log', rawObjects: 'raw_objects'}
      const sink = openSink({production: tables, folder: '/tmp/planted-spool', needsCoverage: true,
        openWarehouse: () => openWarehouse({type: 'duckdb', tables, settings: {path: context.resolvePath('lorchestra.duckdb')}},
          {temporaryFolder: '/tmp/planted-temporary', signal: context.signal})}, 'production')
      await sink.begin({runId: 'x', scopes: [], started: () => ({})})`
    const victim = await victimOf(hostileSource(attack), {}, {'own-copy.js': await ownCopy()})
    await withstands(victim, 1, /a source runs in a box|ERR_DLOPEN_DISABLED|Cannot load/)
  })

  it('that reports after its slice is told so, and fails the run that is still on', async () => {
    const attack = `
      globalThis.slices = (globalThis.slices ?? 0) + 1
      if (globalThis.slices === 1) {
        globalThis.late = new Promise((resolve) => setTimeout(() => {
          try { context.reject('late', 'too late') } catch (error) { context.log.warn('told: ' + error.message) }
          resolve()
        }, 200))
        return
      }
      await globalThis.late`
    const source = hostileSource(attack).replace('summary:', "defaults: {slice: '1d'},\n  summary:")
    const victim = await victimOf(source)
    const {code, stderr} = await victim.run(['run', 'hostile_entries', '--dry-run', '--since', '-9d'])
    expect(stderr).to.contain('told: the source reported something after its slice had ended')
    expect(stderr).to.contain('✗ hostile_entries: the source reported something after its slice had ended')
    expect(code).to.equal(1)
  })

  it('is named and used for nothing where it brings other hooks of oclif; other jobs run', async () => {
    const others = ['init', 'prerun', 'postrun', 'finally', 'command_not_found']
    const files = {
      'edit.js': `import fs from 'node:fs'
export default async ({argv}) => { argv?.splice(0); fs.writeFileSync('planted', 'x'); process.exit(0) }`,
    }
    const hooks = Object.fromEntries(others.map((name) => [name, './edit.js']))
    const victim = await victimOf(hostileSource(''), {hooks: {'lorchestra:sources': './hook.js', ...hooks}}, files)
    const named = others.map((name) => `the hook ${name}`).join(', ')
    await withstands(victim, 1, new RegExp(`brings ${named}, which would run in lorchestra itself`))
    const {code, stdout} = await victim.run(['run', 'honest_entries'])
    expect(code).to.equal(0)
    expect(stdout).to.contain('✓ honest_entries')
    expect(await exists(join(victim.folder, 'planted'))).to.equal(false)
    expect((await victim.run(['sources', 'list'])).stderr).to.contain(`brings ${named}`)
    expect((await victim.run(['no', 'such', 'command'])).code).to.equal(2)
    expect(await exists(join(victim.folder, 'planted'))).to.equal(false)
  })

  it('is named and used for nothing where it brings a command, run even', async () => {
    const files = {
      'commands/run.js': `import fs from 'node:fs'\nfs.writeFileSync('planted', 'x')\nexport default class Run {}`,
    }
    const victim = await victimOf(hostileSource(''), {commands: './commands'}, files)
    await withstands(victim, 1, /brings commands, which would run in lorchestra itself/)
    const {code, stdout} = await victim.run(['run', 'honest_entries'])
    expect(code).to.equal(0)
    expect(stdout).to.contain('✓ honest_entries')
    expect(await exists(join(victim.folder, 'planted'))).to.equal(false)
  })

  it('is not imported by what installs, links, shows or uninstalls it, the command that it brings no more than its hook', async () => {
    const planting = `import fs from 'node:fs'\nfs.writeFileSync(new URL('../planted', import.meta.url), 'x')\nexport default class Run {}`
    const folder = await writeExternalSource({
      name: 'hostile',
      oclif: {commands: './commands'},
      files: {'commands/run.js': planting},
    })
    const home = await temporaryFolder()
    const said: string[] = []
    for (const args of [
      ['install', folder],
      ['link', folder, '--no-install'],
      ['inspect', 'lorchestra-source-hostile'],
      ['uninstall', 'lorchestra-source-hostile'],
    ])
      said.push((await lorchestra(['plugins', ...args], {cwd: home, home})).stderr)
    expect(said[0]).to.contain('brings commands, which would run in lorchestra itself')
    expect(await exists(join(folder, 'planted'))).to.equal(false)
  })

  it('is loaded in no process but its box, whatever the command', async () => {
    const victim = await victimOf(
      hostileSource(
        '',
        `if (process.permission?.has('fs.write') !== false) fs.writeFileSync(join(tmpdir(), 'planted-outside'), 'x')`,
      ),
    )
    for (const args of [
      ['run', 'hostile_entries', '--dry-run'],
      ['jobs', 'show', 'hostile_entries'],
      ['jobs', 'list'],
      ['sources', 'list'],
      ['doctor'],
      ['jobs', 'names'],
      ['init', '--source', 'hostile', '--directory', join(victim.folder, 'new')],
    ])
      await victim.run(args)
    expect(await exists(join(tmpdir(), 'planted-outside'))).to.equal(false)
  })

  it('is gone within two seconds of the end of a program that was killed, in an endless loop as well', async () => {
    const victim = await victimOf(
      hostileSource(
        `context.log.warn('pid ' + process.pid); await new Promise((resolve) => setTimeout(resolve, 50)); for (;;);`,
      ),
    )
    const running = await victim.start(['run', 'hostile_entries', '--dry-run'])
    const pid = await new Promise<number>((resolve) => {
      running.process.stderr?.on('data', (chunk: string) => {
        const found = /pid (\d+)/.exec(chunk)?.[1]
        if (found !== undefined) resolve(Number(found))
      })
    })
    running.process.kill('SIGKILL')
    await running.result
    const deadline = Date.now() + 2000
    while (Date.now() < deadline && isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isAlive(pid)).to.equal(false)
  })

  it('stops with the program at Ctrl-C, in an endless loop as well', async () => {
    const victim = await victimOf(
      hostileSource(`context.log.warn('looping'); await new Promise((resolve) => setTimeout(resolve, 50)); for (;;);`),
    )
    const running = await victim.start(['run', 'hostile_entries'])
    await new Promise<void>((resolve) => {
      running.process.stderr?.on('data', (chunk: string) => {
        if (chunk.includes('looping')) resolve()
      })
    })
    running.process.kill('SIGINT')
    const {code} = await running.result
    expect(code).to.equal(130)
  })

  after(async () => {
    for (const name of await readdir(tmpdir())) expect(name, 'nothing was planted').not.to.match(/^planted/)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
