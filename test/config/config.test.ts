import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import * as fc from 'fast-check'
import {stringify} from 'yaml'

import {loadConfig, type Config} from '../../src/config/config.ts'
import {missingVariables, resolveVariables} from '../../src/config/variables.ts'
import {LorchestraError} from '../../src/base/errors.ts'
import {WAREHOUSE_KINDS} from '../../src/warehouse/kinds.ts'
import {temporaryFolder} from '../support/cli.ts'

type Environment = Readonly<Record<string, string>>

describe('lorchestra.yaml', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
  })

  const load = async (text: string | Uint8Array, environment: Environment = {}): Promise<Config> => {
    await writeFile(join(folder, 'lorchestra.yaml'), text)
    return loadConfig({workingFolder: folder, environment, kinds: WAREHOUSE_KINDS})
  }
  const linesOf = async (promise: Promise<unknown>): Promise<readonly string[]> => {
    try {
      await promise
    } catch (error) {
      expect(error).to.be.instanceOf(LorchestraError)
      const {outcome, message, next = ''} = error as LorchestraError
      expect(outcome).to.equal('usage')
      return [message, ...next.split('\n').map((line) => line.trim())]
    }
    throw new Error('expected a usage error')
  }
  const refusal = async (text: string | Uint8Array, environment: Environment = {}): Promise<readonly string[]> =>
    linesOf(load(text, environment))

  describe('is found', () => {
    it('in the working folder, or the nearest folder above it', async () => {
      const deep = join(folder, 'one', 'two')
      await mkdir(deep, {recursive: true})
      await writeFile(join(folder, 'lorchestra.yaml'), 'jobs: {outer: {source: notes}}')
      expect(
        (await loadConfig({workingFolder: deep, environment: {}, kinds: WAREHOUSE_KINDS})).jobs.has('outer'),
      ).to.equal(true)
      await writeFile(join(folder, 'one', 'lorchestra.yaml'), 'jobs: {inner: {source: notes}}')
      const config = await loadConfig({workingFolder: deep, environment: {}, kinds: WAREHOUSE_KINDS})
      expect([...config.jobs.keys()]).to.deep.equal(['inner'])
      expect(config.folder).to.equal(join(folder, 'one'))
      expect(config.path).to.equal(join(folder, 'one', 'lorchestra.yaml'))
    })

    it('where --config says, from the working folder on', async () => {
      await writeFile(join(folder, 'other.yaml'), 'jobs: {mail: {source: notes}}')
      const config = await loadConfig({
        explicitPath: 'other.yaml',
        workingFolder: folder,
        environment: {},
        kinds: WAREHOUSE_KINDS,
      })
      expect(config.path).to.equal(join(folder, 'other.yaml'))
    })

    it('or the user hears of lorchestra init', async () => {
      const [message, next] = await linesOf(
        loadConfig({workingFolder: folder, environment: {}, kinds: WAREHOUSE_KINDS}),
      )
      expect(message).to.include(`no lorchestra.yaml in ${folder}`)
      expect(next).to.include('lorchestra init')
    })

    it('or the user hears that it is called lorchestra.yml, before one of another folder is taken', async () => {
      await mkdir(join(folder, 'inner'))
      await writeFile(join(folder, 'lorchestra.yaml'), '')
      await writeFile(join(folder, 'inner', 'lorchestra.yml'), '')
      const [message, next] = await linesOf(
        loadConfig({workingFolder: join(folder, 'inner'), environment: {}, kinds: WAREHOUSE_KINDS}),
      )
      expect(message).to.contain(join(folder, 'inner', 'lorchestra.yml'))
      expect(next).to.contain('Rename it to lorchestra.yaml')
    })

    it('or --config is refused where it names a folder', async () => {
      const [message, next] = await linesOf(
        loadConfig({explicitPath: '.', workingFolder: folder, environment: {}, kinds: WAREHOUSE_KINDS}),
      )
      expect([message, next]).to.deep.equal([
        `${folder} is a folder`,
        `Name the file in it: --config ${join(folder, 'lorchestra.yaml')}`,
      ])
    })

    it('or --config is refused where it names no file', async () => {
      const absent = loadConfig({
        explicitPath: 'absent.yaml',
        workingFolder: folder,
        environment: {},
        kinds: WAREHOUSE_KINDS,
      })
      expect((await linesOf(absent))[0]).to.match(/^absent\.yaml cannot be read: ENOENT/)
    })
  })

  describe('holds', () => {
    it('accounts and jobs, whose other keys belong to the source', async () => {
      const config = await load(
        `
accounts:
  acct1: {source: gmail, mask: [/snippet], client_id: abc, nested: {list: [1, two]}}
  old: {source: gmail, source_system: mail}
jobs:
  mail: {account: acct1, query: 'from:ada', start: 2024-01-01, overlap: 2d, slice: 30d, max_rejects: 5}
  old: {account: old}
  notes: {source: jsonl, path: notes.jsonl}
  named: {source: jsonl, source_system: my-notes}
`,
      )
      const {locate: _account, ...account} = config.accounts.get('acct1') ?? expect.fail()
      expect(account).to.deep.equal({
        name: 'acct1',
        source: 'gmail',
        sourceSystem: 'gmail--acct1',
        hiddenPaths: ['/snippet'],
        allow: [],
        options: {client_id: 'abc', nested: {list: [1, 'two']}},
      })
      const {locate: _job, ...job} = config.jobs.get('mail') ?? expect.fail()
      expect(job).to.deep.equal({
        name: 'mail',
        source: 'gmail',
        account: 'acct1',
        sourceSystem: 'gmail--acct1',
        settings: {start: '2024-01-01', overlap: '2d', slice: '30d', max_rejects: 5},
        hiddenPaths: [],
        allow: [],
        options: {query: 'from:ada'},
      })
      expect([...config.jobs.values()].map(({sourceSystem}) => sourceSystem)).to.deep.equal([
        'gmail--acct1',
        'mail',
        'jsonl',
        'my-notes',
      ])
    })

    it('nothing at all, which means DuckDB beside it and no jobs', async () => {
      for (const text of ['', '# only a comment\n', 'jobs:\naccounts:\n', '\uFEFFjobs:\n']) {
        const config = await load(text)
        expect(config.jobs.size).to.equal(0)
        expect(config.warehouse).to.deep.equal({
          type: 'duckdb',
          tables: {eventLog: 'event_log', rawObjects: 'raw_objects'},
          settings: {path: join(folder, 'lorchestra.duckdb'), lockTimeout: '10m', undo: '7d'},
        })
      }
    })

    it('a value that stands in two places once, by an alias', async () => {
      const config = await load(
        'accounts:\n  a: &a {source: gmail, labels: &l [x]}\n  b: *a\njobs:\n  j: {account: b, more: *l}',
      )
      expect(config.accounts.get('b')?.options).to.deep.equal({labels: ['x']})
      expect(config.jobs.get('j')?.options).to.deep.equal({more: ['x']})
    })

    it('any options that JSON can hold, unchanged', async () => {
      const name = fc
        .stringMatching(/^[a-z][a-z_]{0,8}$/)
        .filter((key) => !/^(source|account|start|overlap|slice)/.test(key))
      const text = fc.string({unit: 'grapheme'}).filter((value) => !value.includes('${'))
      const {value: options} = fc.letrec((tie) => ({
        value: fc.oneof(
          {depthSize: 'small'},
          text,
          fc.integer(),
          fc.boolean(),
          fc.constant(null),
          tie('list'),
          tie('map'),
        ),
        list: fc.array(tie('value'), {maxLength: 3}),
        map: fc.dictionary(name, tie('value'), {maxKeys: 3, noNullPrototype: true}),
      }))
      const maps = fc.dictionary(name, options, {maxKeys: 4, noNullPrototype: true})
      await fc.assert(
        fc.asyncProperty(maps, async (written) => {
          const config = await load(stringify({jobs: {job: {source: 'notes', ...written}}}))
          expect(config.jobs.get('job')?.options).to.deep.equal(written)
        }),
        {numRuns: 50},
      )
    })
  })

  describe('is refused with the line and column of', () => {
    const cases: Readonly<Record<string, readonly [text: string, message: string, next?: string]>> = {
      'a syntax error': ['jobs:\n  a: "x\n', 'lorchestra.yaml:3:1: Missing closing "quote'],
      'a variable without quotes inside of braces': [
        'jobs:\n  a: {source: x, key: ${KEY}, more: 1}\n  b: {source: x, key: ${KEY}}\n',
        'lorchestra.yaml:2:24: ${NAME} stands without quotes inside of {…} or […]',
        'Write "${NAME}".',
      ],
      'a variable without quotes inside of brackets': [
        'jobs:\n  a: {source: x, keys: [${KEY}]}\n',
        'lorchestra.yaml:2:26: ${NAME} stands without quotes',
      ],
      'a tab': ['jobs:\n\ta: {}\n', 'lorchestra.yaml:2:1: Tabs are not allowed as indentation'],
      'a key that stands twice': [
        'jobs:\n  a: {source: x}\n  a: {source: y}\n',
        'lorchestra.yaml:3:3: the key stands here a second time',
      ],
      'a second document': ['jobs:\n---\njobs:\n', 'lorchestra.yaml:2:1: Source contains multiple documents'],
      'a custom tag': ['jobs:\n  a: {source: !shout x}\n', 'lorchestra.yaml:2:15: Unresolved tag: !shout'],
      'binary data': [
        'jobs:\n  a: {source: x, y: !!binary aGk=}\n',
        'lorchestra.yaml:2:21: Unresolved tag: tag:yaml.org,2002:binary',
      ],
      'a merge key': ['jobs:\n  a: {source: x, <<: {y: 1}}\n', 'lorchestra.yaml:2:18: merge keys (<<) are not read'],
      'a key that would change every object': [
        'jobs:\n  a: {source: x, __proto__: {y: 1}}\n',
        'lorchestra.yaml:2:18: __proto__ is not a key',
      ],
      'a key that is an alias': ['jobs: {a: &k {source: x}}\n*k : 1\n', 'lorchestra.yaml:2:1: '],
      'a number that would be rounded': [
        'jobs:\n  a: {source: x, id: 12345678901234567890}\n',
        'lorchestra.yaml:2:22: 12345678901234567890 is not a number that can be read exactly',
        'quotes',
      ],
      'an infinite number': ['jobs:\n  a: {source: x, id: .inf}\n', 'lorchestra.yaml:2:22: .inf is not a number'],
      'an alias of nothing': ['jobs:\n  a: *x\n', 'lorchestra.yaml:2:6: nothing above is marked &x'],
      'an alias of what it is part of': [
        'jobs: &j\n  a: {source: x, y: *j}\n',
        'lorchestra.yaml:2:21: *j stands inside of what it repeats',
      ],
      'an unknown key': ['job:\n  a: {source: x}\n', 'lorchestra.yaml:1:1: unknown key "job"', 'Did you mean "jobs"?'],
      'something that is no map': ['- a\n', 'lorchestra.yaml:1:1: expected keys with values, not a list'],
      'a job name': ['jobs:\n  Mail: {source: x}\n', 'lorchestra.yaml:2:3: jobs.Mail: a name is 1 to 63 of'],
      'an account name': [
        `accounts:\n  ${'a'.repeat(64)}: {source: x}\n`,
        `lorchestra.yaml:2:3: accounts.${'a'.repeat(64)}: a name is`,
      ],
      'a source name': ['jobs:\n  a: {source: My Source}\n', 'lorchestra.yaml:2:7: jobs.a.source: a name is'],
      'a source name that comes from a variable': [
        'jobs:\n  a: {source: "${SOURCE}"}\n',
        'lorchestra.yaml:2:7: jobs.a.source: a name is',
      ],
      'a source system': [
        'accounts:\n  a:\n    source: x\n    source_system: "a:b"\n',
        'lorchestra.yaml:4:5: accounts.a.source_system: a name is',
      ],
      'an account without a source': [
        'accounts:\n  a:\n    client: x\n',
        'lorchestra.yaml:2:3: accounts.a.source is missing',
      ],
      'an account with a misspelt source': [
        'accounts:\n  a:\n    client: x\n    sorce: y\n',
        'lorchestra.yaml:4:5: accounts.a.source is missing',
        '"sorce"',
      ],
      'an account with a key of jobs': [
        'accounts:\n  a:\n    source: x\n    start: 2024-01-01\n',
        'lorchestra.yaml:4:5: accounts.a.start: belongs in a job',
      ],
      'a job with nothing in it': [
        'jobs:\n  a:\n',
        'lorchestra.yaml:2:3: jobs.a: expected keys with values, not nothing',
      ],
      'a job without account and source': [
        'jobs:\n  a: {path: x}\n',
        'lorchestra.yaml:2:3: jobs.a: a job needs an account, or a source',
      ],
      'a job with account and source': [
        'accounts:\n  b: {source: x}\njobs:\n  a: {account: b, source: x}\n',
        'lorchestra.yaml:4:19: jobs.a.source: the account says which source',
      ],
      'a source system beside an account': [
        'accounts:\n  b: {source: x}\njobs:\n  a: {account: b, source_system: y}\n',
        "lorchestra.yaml:4:19: jobs.a.source_system: belongs in the job's account",
      ],
      'an unknown account': [
        'accounts:\n  clinic: {source: x}\njobs:\n  a: {account: clinc}\n',
        'lorchestra.yaml:4:7: there is no account "clinc"',
        'Did you mean "clinic"?',
      ],
      'a day that does not exist': [
        'jobs:\n  a: {source: x, start: 2026-02-30}\n',
        'lorchestra.yaml:2:18: jobs.a.start: "2026-02-30" is not a date',
      ],
      'a duration': [
        'jobs:\n  a: {source: x, overlap: 3 days}\n',
        'lorchestra.yaml:2:18: jobs.a.overlap: "3 days" is not a duration',
      ],
      'a duration without a unit': [
        'jobs:\n  a: {source: x, overlap: 3}\n',
        'lorchestra.yaml:2:18: jobs.a.overlap: expected text',
      ],
      'a slice of no length': [
        'jobs:\n  a: {source: x, slice: 0s}\n',
        'lorchestra.yaml:2:18: jobs.a.slice: a slice must be longer than nothing',
      ],
      'a number of rejects': [
        'jobs:\n  a: {source: x, max_rejects: -1}\n',
        'lorchestra.yaml:2:18: jobs.a.max_rejects: expected a whole number, 0 or more',
      ],
      'a variable without an end': [
        'jobs:\n  a: {source: x, y: "${HOME"}\n',
        'lorchestra.yaml:2:21: ${ is not followed by NAME}',
        '$${',
      ],
      'a warehouse without a type': [
        'warehouse:\n  path: x\n',
        'lorchestra.yaml:1:1: warehouse.type is missing',
        'duckdb or bigquery',
      ],
      'a warehouse of another type': [
        'warehouse:\n  type: duckbd\n',
        'lorchestra.yaml:2:3: warehouse.type: ',
        'duckdb or bigquery',
      ],
      'an unknown key of DuckDB': [
        'warehouse:\n  type: duckdb\n  pth: x\n',
        'lorchestra.yaml:3:3: unknown key "pth" in a duckdb warehouse',
        'Did you mean "path"?',
      ],
      'a key of BigQuery beside DuckDB': [
        'warehouse:\n  type: duckdb\n  project: x\n',
        'lorchestra.yaml:3:3: unknown key "project" in a duckdb warehouse',
      ],
      'a path that is no text': ['warehouse:\n  type: duckdb\n  path: 5\n', 'lorchestra.yaml:3:3: warehouse.path: '],
      'an empty path': [
        'warehouse:\n  type: duckdb\n  path: ""\n',
        'lorchestra.yaml:3:3: warehouse.path: a path must not be empty',
      ],
      'a table name': [
        'warehouse:\n  type: duckdb\n  event_log: a.b\n',
        'lorchestra.yaml:3:3: warehouse.event_log: a table name is',
      ],
      'a table name that is SQL': [
        'warehouse:\n  type: duckdb\n  raw_objects: "x; drop table y"\n',
        'lorchestra.yaml:3:3: warehouse.raw_objects: a table name is',
      ],
      'a warehouse that is no map': ['warehouse: duckdb\n', 'lorchestra.yaml:1:1: warehouse: '],
      'a limit that is no number of bytes': [
        'warehouse:\n  type: bigquery\n  project: p\n  dataset: d\n  max_bytes_billed: 1 GB\n',
        'lorchestra.yaml:5:3: warehouse.max_bytes_billed: expected a whole number of bytes',
      ],
      ...Object.fromEntries(
        (
          [
            ['nowhere', 'expected the address of an emulator, such as http://127.0.0.1:9050'],
            ['ftp://127.0.0.1', 'expected an address with http or https'],
            ['http://127.0.0.1:9050/bigquery', 'expected an address without a path'],
            ['http://user:word@127.0.0.1', 'expected an address without a path'],
            ['http://192.0.2.1:9050', 'plain http is for this machine only (127.0.0.1)'],
            ['http://127.0.0.1.example.com', 'plain http is for this machine only (127.0.0.1)'],
          ] as const
        ).map(([address, rule]) => [
          `the emulator address ${address}`,
          [
            `warehouse:\n  type: bigquery\n  project: p\n  dataset: d\n  api_endpoint: ${address}\n`,
            `lorchestra.yaml:5:3: warehouse.api_endpoint: ${rule}`,
          ] as const,
        ]),
      ),
    }
    for (const [what, [text, expected, advice = '']] of Object.entries(cases)) {
      it(what, async () => {
        const [message, next] = await refusal(text)
        expect(message?.slice(0, expected.length)).to.equal(expected)
        expect(next).to.include(advice)
        expect(next).not.to.equal('')
      })
    }

    it('every problem at once, in their order, one line each', async () => {
      const lines = await refusal(`wharehouse: {}
jobs:
  one: {account: nobody, overlap: 5x}
  two: {}
  Three: {source: x}
`)
      expect(lines).to.deep.equal([
        'lorchestra.yaml has 4 problems',
        'lorchestra.yaml:1:1: unknown key "wharehouse". Did you mean "warehouse"?',
        'lorchestra.yaml:3:26: jobs.one.overlap: "5x" is not a duration',
        'lorchestra.yaml:4:3: jobs.two: a job needs an account, or a source that needs none',
        'lorchestra.yaml:5:3: jobs.Three: a name is 1 to 63 of a-z, 0-9, _ and -, and starts with a letter or digit',
      ])
    })

    it('problems of the warehouse and of the rest together', async () => {
      const [first, ...lines] = await refusal('warehouse: {type: duckdb, path: 5}\njobs:\n  a: {account: nobody}\n')
      expect(first).to.equal('lorchestra.yaml has 2 problems')
      expect(lines.map((line) => line.split(' ')[0])).to.deep.equal(['lorchestra.yaml:1:27:', 'lorchestra.yaml:3:7:'])
    })
  })

  it('is refused where it is not UTF-8', async () => {
    expect((await refusal(new Uint8Array([0x6a, 0xff, 0xfe])))[0]).to.equal('lorchestra.yaml is not UTF-8 text')
  })

  it('is refused where a few lines unfold into gigabytes', async () => {
    const levels = Array.from(
      {length: 12},
      (_, level) => `  l${level}: &l${level} [${level === 0 ? 'x' : `*l${level - 1}, `.repeat(10)}]`,
    )
    const [message] = await refusal(`jobs:\n  a:\n    source: x\n${levels.map((line) => `  ${line}`).join('\n')}\n`)
    expect(message).to.include('Excessive alias count')
  })

  it('is refused where it is nested without end', async () => {
    const [message] = await refusal(`jobs: ${'['.repeat(20_000)}\n`)
    expect(message).to.match(/^lorchestra\.yaml/)
  })

  it('is refused with the line of what an alias repeats, where that is wrong', async () => {
    const [message] = await refusal('accounts: &a\n  b: {source: X}\njobs: *a\n')
    expect(message).to.equal('lorchestra.yaml has 2 problems')
  })

  it('does not change any other object, whatever keys it has', async () => {
    const config = await load('jobs:\n  constructor: {source: x, prototype: {polluted: 1}, toString: 1}\n')
    expect(config.jobs.get('constructor')?.options).to.deep.equal({prototype: {polluted: 1}, toString: 1})
    expect({}).not.to.have.property('polluted')
  })

  describe('environment variables', () => {
    it('stay unread in accounts and jobs until a run needs them', async () => {
      const config = await load(
        'accounts: {a: {source: x, secret: "${NOT_SET}"}}\njobs: {j: {account: a, start: "${NOT_SET}"}}',
      )
      expect(config.accounts.get('a')?.options).to.deep.equal({secret: '${NOT_SET}'})
      expect(config.jobs.get('j')?.settings.start).to.equal('${NOT_SET}')
    })

    it('may stand anywhere in the settings of the warehouse', async () => {
      const config = await load('warehouse: {type: "${KIND}", path: "data/${NAME}-$${x}.duckdb"}', {
        KIND: 'duckdb',
        NAME: 'one',
      })
      expect(config.warehouse.settings).to.include({path: join(folder, 'data', 'one-${x}.duckdb')})
    })

    it('that the warehouse needs are all named where they are missing or empty', async () => {
      const lines = await refusal('warehouse: {type: "${KIND}", path: "${PLACE}"}', {PLACE: ''})
      expect(lines).to.deep.equal([
        'lorchestra.yaml has 2 problems',
        `lorchestra.yaml:1:1: the environment variable KIND is not set or empty. Export it, or put it into ${join(folder, '.env')}.`,
        `lorchestra.yaml:1:1: the environment variable PLACE is not set or empty. Export it, or put it into ${join(folder, '.env')}.`,
      ])
    })

    it('come from .env beside the file, and never from there where they are set', async () => {
      await writeFile(join(folder, '.env'), '\uFEFFFIRST=of the file\nSECOND=of the file\nQUOTED="a # b"\n')
      const {environment} = await load('', {SECOND: 'of the environment'})
      expect(environment).to.include({FIRST: 'of the file', SECOND: 'of the environment', QUOTED: 'a # b'})
    })

    it('are not looked for in a .env that cannot be read', async () => {
      await mkdir(join(folder, '.env'))
      expect((await refusal(''))[0]).to.include(`${join(folder, '.env')} cannot be read`)
    })

    it('that every object has are missing all the same', () => {
      expect(missingVariables('${constructor} ${__proto__}', {})).to.deep.equal(['constructor', '__proto__'])
    })

    it('replace their names, and $${ stays ${', () => {
      const environment = {A: 'one', B: '${A}'}
      expect(resolveVariables('${A}-$${A}-${B}-$A', environment)).to.equal('one-${A}-${A}-$A')
      expect(resolveVariables({list: ['${A}', 5, null]}, environment)).to.deep.equal({list: ['one', 5, null]})
    })

    it('leave a text without any as it is', () => {
      fc.assert(
        fc.property(fc.string(), (text) => {
          fc.pre(!text.includes('${'))
          expect(resolveVariables(text, {})).to.equal(text)
        }),
      )
    })

    it('never change what an escaped text says', () => {
      fc.assert(
        fc.property(fc.array(fc.constantFrom('$', '{', '}', 'A', '-', '${A}')), (parts) => {
          const text = parts.join('')
          fc.pre(!text.includes('$${'))
          expect(
            resolveVariables(
              text.replaceAll('${', () => '$${'),
              {A: 'x'},
            ),
          ).to.equal(text)
        }),
      )
    })
  })

  describe('warehouse', () => {
    it('is BigQuery where EVENTS_BQ_DATASET is set and the file says nothing', async () => {
      const {warehouse} = await load('', {EVENTS_BQ_DATASET: 'events', GCP_PROJECT: 'my-project'})
      expect(warehouse).to.deep.equal({
        type: 'bigquery',
        tables: {eventLog: 'event_log', rawObjects: 'raw_objects'},
        settings: {project: 'my-project', dataset: 'events', touchAfter: '7d', testTablesExpire: '30d'},
      })
    })

    it('is what the file says, whatever EVENTS_BQ_DATASET is', async () => {
      const {warehouse} = await load('warehouse: {type: duckdb}', {EVENTS_BQ_DATASET: 'events'})
      expect(warehouse.type).to.equal('duckdb')
    })

    it('takes the settings of the file before those of the environment', async () => {
      const {warehouse} = await load(
        'warehouse: {type: bigquery, project: p, dataset: d, location: EU, max_bytes_billed: 10000000000, touch_after: 12h, test_tables_expire: 0s, event_log: log}',
        {GCP_PROJECT: 'other', EVENTS_BQ_DATASET: 'other', EVENT_LOG_TABLE: 'other', RAW_OBJECTS_TABLE: 'objects'},
      )
      expect(warehouse).to.deep.equal({
        type: 'bigquery',
        tables: {eventLog: 'log', rawObjects: 'objects'},
        settings: {
          project: 'p',
          dataset: 'd',
          location: 'EU',
          maxBytesBilled: '10000000000',
          touchAfter: '12h',
          testTablesExpire: '0s',
        },
      })
    })

    it('keeps a limit of bytes exact', async () => {
      const {warehouse} = await load(
        'warehouse: {type: bigquery, project: p, dataset: d, max_bytes_billed: "12345678901234567890"}',
      )
      expect(warehouse.settings).to.include({maxBytesBilled: '12345678901234567890'})
    })

    it('takes an emulator of BigQuery from the file alone', async () => {
      const text = 'warehouse: {type: bigquery, project: p, dataset: d}'
      const BIGQUERY_EMULATOR_HOST = 'http://127.0.0.1:9050'
      const [message, next] = await refusal(text, {BIGQUERY_EMULATOR_HOST})
      expect(message).to.include('BIGQUERY_EMULATOR_HOST: the variable is set')
      expect(next).to.include('warehouse.api_endpoint')
      const {warehouse} = await load(text.replace('}', ', api_endpoint: "http://127.0.0.1:9060"}'), {
        BIGQUERY_EMULATOR_HOST,
      })
      expect(warehouse.settings).to.include({apiEndpoint: 'http://127.0.0.1:9060'})
      expect((await load('', {BIGQUERY_EMULATOR_HOST})).warehouse.type).to.equal('duckdb')
    })

    it('may name tables in the environment, for DuckDB as well', async () => {
      const {warehouse} = await load('', {EVENT_LOG_TABLE: 'log', RAW_OBJECTS_TABLE: 'objects'})
      expect(warehouse.tables).to.deep.equal({eventLog: 'log', rawObjects: 'objects'})
    })

    it('needs a project and a dataset for BigQuery, and says where they may come from', async () => {
      const lines = await refusal('warehouse:\n  type: bigquery\n', {GCP_PROJECT: ''})
      expect(lines.slice(1)).to.deep.equal([
        'lorchestra.yaml:1:1: warehouse.project is missing. Set it in the file, or set GCP_PROJECT.',
        'lorchestra.yaml:1:1: warehouse.dataset is missing. Set it in the file, or set EVENTS_BQ_DATASET.',
      ])
    })

    it('names the variable where a name from the environment is wrong', async () => {
      const [message] = await refusal('', {EVENT_LOG_TABLE: 'x`; drop'})
      expect(message).to.match(/^EVENT_LOG_TABLE: /)
    })

    for (const [eventLog, rawObjects] of [
      ['test_raw_objects', 'raw_objects'],
      ['event_log', 'TEST_EVENT_LOG'],
      ['Records', 'records'],
    ]) {
      it(`refuses the tables ${eventLog} and ${rawObjects}, which tests or each other would overwrite`, async () => {
        const text = `warehouse: {type: duckdb, event_log: ${eventLog ?? ''}, raw_objects: ${rawObjects ?? ''}}`
        expect((await refusal(text))[0]).to.include('stands for two tables')
        const environment = {EVENT_LOG_TABLE: eventLog ?? '', RAW_OBJECTS_TABLE: rawObjects ?? ''}
        expect((await refusal('', environment))[0]).to.include('stands for two tables')
      })
    }
  })
})
