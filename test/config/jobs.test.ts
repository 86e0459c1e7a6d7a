import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import * as fc from 'fast-check'
import * as z from 'zod'

import {loadConfig, type Config} from '../../src/config/config.ts'
import {WAREHOUSE_KINDS} from '../../src/warehouse/kinds.ts'
import {LorchestraError, outcomeOf} from '../../src/base/errors.ts'
import {resolveOptions, type ResolvedOptions} from '../../src/config/job-options.ts'
import {findJob, jobNames} from '../../src/config/jobs.ts'
import {createMask} from '../../src/base/mask.ts'
import type {Source} from '../../src/source.ts'
import {messageOf} from '../support/message-of.ts'
import {temporaryFolder} from '../support/cli.ts'

const FILE = `
accounts:
  acct1:
    source: gmail
    token: \${ACCT1_TOKEN}
    query: of the account
  acct2:
    source: gmail
    source_system: old-mail
    token: \${ACCT2_TOKEN}
  clinic:
    source: dataverse
    token: plain
jobs:
  mail:
    account: acct1
    query: of the job
  contacts:
    account: clinic
    entity: contact
  notes:
    source: jsonl
    start: 2024-01-01
    overlap: 1h
    slice: 1w
    max_rejects: 0
`

function createSource(members: Partial<Source> = {}): Source {
  return {
    apiVersion: 1,
    name: 'gmail',
    summary: 'Mail',
    options: z.strictObject({
      token: z.string(),
      query: z.string().default(''),
      count: z.number().optional(),
      nested: z.strictObject({label: z.string()}).optional(),
    }),
    secrets: ['token'],
    selection: ['query', 'count'],
    streams: () => [{objectType: 'email', windowed: true}],
    idemKey: () => '',
    async *extract() {},
    ...members,
  }
}

describe('jobs', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  const load = async (text = FILE, environment: Readonly<Record<string, string>> = {}): Promise<Config> => {
    await writeFile(join(folder, 'lorchestra.yaml'), text)
    return loadConfig({workingFolder: folder, environment, kinds: WAREHOUSE_KINDS})
  }
  const errorOf = (work: () => unknown): LorchestraError => {
    try {
      work()
    } catch (error) {
      expect(outcomeOf(error)).to.equal('usage')
      return error as LorchestraError
    }
    throw new Error('expected an error')
  }

  it('are listed in the order of the file', async () => {
    expect(jobNames(await load())).to.deep.equal(['mail', 'contacts', 'notes'])
  })

  it('have what their account says, and their own keys win', async () => {
    expect(findJob(await load(), 'mail')).to.deep.equal({
      name: 'mail',
      account: 'acct1',
      sourceName: 'gmail',
      sourceSystem: 'gmail--acct1',
      schema: 'evolve',
      maxRejects: 100,
      hiddenPaths: [],
      allow: [],
      options: {token: '${ACCT1_TOKEN}', query: 'of the job'},
    })
  })

  it('hide what their account hides, and what they hide themselves', async () => {
    const config = await load(`
accounts:
  acct1: {source: gmail, mask: [/snippet, /id]}
  acct2: {source: gmail, mask: [/labels]}
jobs:
  mail: {account: acct1, mask: [/id, /payload/*]}`)
    expect(findJob(config, 'mail').hiddenPaths).to.deep.equal(['/snippet', '/id', '/payload/*'])
    expect(findJob(config, 'mail', {account: 'acct2'}).hiddenPaths).to.deep.equal(['/labels', '/id', '/payload/*'])
  })

  it('let a source do outside of its box what its account allows, and those without one say it themselves', async () => {
    const config = await load(`
accounts:
  acct1: {source: gmail, allow: [spawn]}
  acct2: {source: gmail}
jobs:
  mail: {account: acct1}
  notes: {source: jsonl, allow: [spawn]}`)
    expect(findJob(config, 'mail').allow).to.deep.equal(['spawn'])
    expect(findJob(config, 'mail', {account: 'acct2'}).allow).to.deep.equal([])
    expect(findJob(config, 'notes').allow).to.deep.equal(['spawn'])
    expect(await messageOf(load('accounts: {a: {source: b}}\njobs: {c: {account: a, allow: [spawn]}}'))).to.include(
      "jobs.c.allow: belongs in the job's account",
    )
    expect(await messageOf(load('accounts: {a: {source: b, allow: [write]}}'))).to.include('accounts.a.allow')
  })

  it('that would hide what is no path are refused with the path that was meant', async () => {
    expect(await messageOf(load('jobs: {notes: {source: jsonl, mask: [name]}}'))).to.equal(
      'lorchestra.yaml:1:31: jobs.notes.mask: "name" is no path into a record; did you mean "/name"?',
    )
  })

  it('may need no account', async () => {
    expect(findJob(await load(), 'notes')).to.deep.equal({
      name: 'notes',
      sourceName: 'jsonl',
      sourceSystem: 'jsonl',
      start: new Date('2024-01-01T00:00:00Z'),
      overlap: 3_600_000,
      slice: 604_800_000,
      schema: 'evolve',
      maxRejects: 0,
      hiddenPaths: [],
      allow: [],
      options: {},
    })
  })

  it('read another account of the same source where the user says so', async () => {
    const job = findJob(await load(), 'mail', {account: 'acct2'})
    expect(job).to.include({account: 'acct2', sourceSystem: 'old-mail'})
    expect(job.options).to.deep.equal({token: '${ACCT2_TOKEN}', query: 'of the job'})
  })

  it('answer a misspelt name with the closest one, or with all there are', async () => {
    const config = await load()
    expect(errorOf(() => findJob(config, 'mial'))).to.include({
      message: 'there is no job "mial" in lorchestra.yaml',
      next: 'Did you mean "mail"?',
    })
    expect(errorOf(() => findJob(config, 'something-else')).next).to.equal('There is: mail, contacts, notes.')
    const empty = await load('')
    expect(errorOf(() => findJob(empty, 'mail')).next).to.include('add one under jobs:')
  })

  it('refuse an account that is not there, is of another source, or that they cannot need', async () => {
    const config = await load()
    expect(errorOf(() => findJob(config, 'mail', {account: 'acct'})).next).to.equal('Did you mean "acct1"?')
    expect(errorOf(() => findJob(config, 'mail', {account: 'clinic'}))).to.include({
      message: 'the account "clinic" is one of dataverse, and the job "mail" reads gmail',
      next: 'Name an account of gmail: acct1, acct2.',
    })
    expect(errorOf(() => findJob(config, 'notes', {account: 'acct1'})).next).to.equal('Leave --account out.')
  })

  it('take their settings from variables where the file says so', async () => {
    const text = 'jobs: {notes: {source: jsonl, start: "${START}", overlap: "${HOURS}h", max_rejects: "${REJECTS}"}}'
    const set = await load(text, {START: '2026-01-31', HOURS: '5', REJECTS: '7'})
    expect(findJob(set, 'notes')).to.deep.include({start: new Date('2026-01-31'), overlap: 18_000_000, maxRejects: 7})
    const unset = await load(text)
    expect(errorOf(() => findJob(unset, 'notes')).message).to.include('START, HOURS, REJECTS')
    const late = await load(text, {START: '2999-01-01', HOURS: '5', REJECTS: '7'})
    expect(errorOf(() => findJob(late, 'notes')).message).to.include('"2999-01-01" lies in the future')
    const wrong = await load(text, {START: 'soon', HOURS: 'x', REJECTS: '-1'})
    expect(
      errorOf(() => findJob(wrong, 'notes'))
        .next?.split('\n')
        .map((line) => line.trim()),
    ).to.deep.equal([
      'lorchestra.yaml:1:31: jobs.notes.start: "soon" is not a date or date-time',
      'lorchestra.yaml:1:50: jobs.notes.overlap: "xh" is not a duration',
      'lorchestra.yaml:1:72: jobs.notes.max_rejects: "-1" is not a whole number, 0 or more',
    ])
  })

  describe('options', () => {
    interface Request {
      readonly source?: Source
      readonly text?: string
      readonly environment?: Readonly<Record<string, string>>
      readonly mask?: ReturnType<typeof createMask>
    }
    const resolve = async (request: Request = {}): Promise<ResolvedOptions> => {
      const {source = createSource(), text = FILE, environment = {ACCT1_TOKEN: 'very-secret'}} = request
      const config = await load(text, environment)
      return resolveOptions(findJob(config, 'mail'), source, config, request.mask ?? createMask())
    }
    const refusal = async (request: Request): Promise<LorchestraError> => {
      try {
        await resolve(request)
      } catch (error) {
        expect(error).to.be.instanceOf(LorchestraError)
        return error as LorchestraError
      }
      throw new Error('expected an error')
    }
    const withOptions = (lines: string): string =>
      `accounts:\n  acct1:\n    source: gmail\n    token: secret-token\njobs:\n  mail:\n    account: acct1\n    ${lines}\n`

    it('reach the source as its schema makes them, with variables replaced', async () => {
      expect((await resolve()).options).to.deep.equal({token: 'very-secret', query: 'of the job'})
    })

    it('name all missing variables at once, and what to do', async () => {
      const text = FILE.replace('query: of the job', 'query: ${QUERY} and ${OTHER}')
      const error = await refusal({text, environment: {OTHER: ''}})
      expect(error).to.include({
        outcome: 'usage',
        message: 'the job "mail" needs the environment variables ACCT1_TOKEN, QUERY, OTHER, not set or empty',
        next: `Export them, or put them into ${join(folder, '.env')}.`,
      })
    })

    it('need no variables of other accounts', async () => {
      expect((await resolve()).shown).to.deep.equal({token: '***', query: 'of the job'})
    })

    it('that are secret are hidden from then on, also where the schema refuses them', async () => {
      const mask = createMask()
      const refusing = createSource({
        options: z.strictObject({
          token: z.string().refine(() => false, {error: ({input}) => `no ${String(input)}`}),
          query: z.string(),
        }),
      })
      const error = await refusal({source: refusing, mask})
      expect(mask.apply(error.message)).to.include('no ***').and.not.to.include('very-secret')
    })

    it('that are secret are hidden inside of lists and maps, and as the schema changed them', async () => {
      const mask = createMask()
      const options = z.object({
        token: z.object({parts: z.array(z.string())}).transform(({parts}) => parts.join('/')),
        query: z.string(),
      })
      await resolve({
        text: withOptions('query: x').replace('secret-token', '{parts: [first, second]}'),
        source: createSource({options}),
        mask,
      })
      expect(mask.apply('first second first/second')).to.equal('*** *** ***')
    })

    it('never show a secret that another option repeats', async () => {
      const {shown} = await resolve({text: withOptions('query: prefix secret-token')})
      expect(shown['query']).to.equal('prefix ***')
    })

    it('that the source does not know are answered with the closest one, where they stand', async () => {
      expect(await refusal({text: withOptions('qurey: x')})).to.include({
        outcome: 'usage',
        message: 'lorchestra.yaml:8:5: gmail has no option "qurey"',
        next: 'Did you mean "query"?',
      })
      const accountOption = withOptions('query: x').replace('token:', 'colour: red\n    token:')
      expect(await refusal({text: accountOption})).to.include({
        message: 'lorchestra.yaml:4:5: gmail has no option "colour"',
        next: 'There is: token, query, count, nested.',
      })
    })

    it("that are misspelt keys of lorchestra's own are recognised", async () => {
      expect((await refusal({text: withOptions('overlpa: 1d')})).next).to.equal('Did you mean "overlap"?')
    })

    it('that the source would drop silently are refused all the same', async () => {
      const lenient = createSource({options: z.object({token: z.string(), query: z.string().optional()})})
      expect((await refusal({source: lenient, text: withOptions('qurey: x')})).next).to.equal('Did you mean "query"?')
    })

    it('may be anything where the source says so', async () => {
      const open = createSource({options: z.looseObject({token: z.string()})})
      expect((await resolve({source: open, text: withOptions('anything: 1')})).options).to.include({anything: 1})
    })

    it('may differ by kind, where the source has several', async () => {
      const kinds = createSource({
        options: z.union([
          z.strictObject({token: z.string(), query: z.string()}),
          z.strictObject({token: z.string(), label: z.string()}),
        ]),
      })
      expect((await resolve({source: kinds, text: withOptions('label: x')})).options).to.include({label: 'x'})
      expect((await refusal({source: kinds, text: withOptions('labell: x')})).next).to.include('Did you mean "label"?')
    })

    it('of the wrong type are shown with the line where they stand', async () => {
      expect((await refusal({text: withOptions('count: many')})).message).to.equal(
        'lorchestra.yaml:8:5: option of gmail: count: expected a number, not text',
      )
      expect((await refusal({text: withOptions('nested:\n      label: 5')})).message).to.include(
        'lorchestra.yaml:9:7: ',
      )
    })

    it('that are missing are named at the job', async () => {
      const text = withOptions('query: x').replace('    token: secret-token\n', '')
      expect((await refusal({text})).message).to.equal('lorchestra.yaml:5:3: option of gmail: token is missing')
    })

    it('are all reported together', async () => {
      const {message, next} = await refusal({text: withOptions('qurey: x\n    count: many')})
      expect(message).to.equal('lorchestra.yaml has 2 problems')
      expect(next?.split('\n').map((line) => line.trim().split(': ')[0])).to.deep.equal([
        'lorchestra.yaml:8:5',
        'lorchestra.yaml:9:5',
      ])
    })

    it('that are unknown deeper down are named with their whole path', async () => {
      expect((await refusal({text: withOptions('nested:\n      label: x\n      lable: y')})).message).to.equal(
        'lorchestra.yaml:10:7: gmail does not know nested.lable',
      )
    })

    it('may have a number for a secret', async () => {
      const mask = createMask()
      const numbers = createSource({options: z.strictObject({token: z.number(), query: z.string()})})
      const text = withOptions('query: x').replace('secret-token', '123456')
      expect((await resolve({source: numbers, text, mask})).shown).to.include({token: '***'})
      expect(mask.apply('123456')).to.equal('***')
    })

    it('are checked by any Standard Schema, without close matches', async () => {
      const plain = createSource({
        options: {
          '~standard': {
            version: 1,
            vendor: 'test',
            validate: async () => ({issues: [{message: 'is odd', path: [{key: 'query'}]}]}),
          },
        },
      })
      expect((await refusal({source: plain, text: withOptions('query: x')})).message).to.equal(
        'lorchestra.yaml:8:5: option of gmail: query: is odd',
      )
    })

    it("that would hide lorchestra's own keys are a bug of the source", async () => {
      const greedy = createSource({options: z.strictObject({token: z.string(), query: z.string(), start: z.string()})})
      const error = await refusal({source: greedy})
      expect(error).to.include({outcome: 'failed'})
      expect(error.message).to.include('options that lorchestra reads itself: start')
    })

    it('that cannot be checked because the source fails name the source', async () => {
      const failing = createSource({
        options: {
          '~standard': {
            version: 1,
            vendor: 'test',
            validate: () => {
              throw new Error('out of order')
            },
          },
        },
      })
      expect((await refusal({source: failing})).message).to.equal(
        'the source gmail could not check the options: out of order',
      )
    })
  })

  describe('selection', () => {
    const anything = {'~standard': {version: 1, vendor: 'test', validate: (value: unknown) => ({value})}} as const
    const hash = async (selected: unknown, other: unknown = 'x'): Promise<string> => {
      const config = await load(FILE, {ACCT1_TOKEN: 'x'})
      const source = createSource({
        options: {'~standard': {...anything['~standard'], validate: () => ({value: {query: selected, other}})}},
        selection: ['query', 'absent'],
      })
      return (await resolveOptions(findJob(config, 'mail'), source, config, createMask())).selectionHash
    }

    it('is 16 hexadecimal digits that change when a selecting option does, and with no other', async () => {
      expect(await hash('a')).to.match(/^[0-9a-f]{16}$/)
      expect(await hash('a')).not.to.equal(await hash('b'))
      expect(await hash('a', 'one')).to.equal(await hash('a', 'other'))
    })

    it('is the same for an option that is undefined and one that is not there', async () => {
      const config = await load(FILE, {ACCT1_TOKEN: 'x'})
      const plain = createSource({options: {'~standard': {...anything['~standard'], validate: () => ({value: {}})}}})
      const without = await resolveOptions(findJob(config, 'mail'), plain, config, createMask())
      expect(await hash(undefined)).to.equal(without.selectionHash)
    })

    it('never depends on the order of keys', async () => {
      const maps = fc.dictionary(fc.string(), fc.jsonValue(), {noNullPrototype: true})
      await fc.assert(
        fc.asyncProperty(maps, async (map) => {
          const reversed = Object.fromEntries(Object.entries(map).toReversed())
          expect(await hash({inner: map})).to.equal(await hash({inner: reversed}))
        }),
        {numRuns: 20},
      )
    })

    it('stays what it is in later versions, or every job would start uncovered', async () => {
      expect(await hash('label:inbox')).to.equal('fb76ae6dadce7926')
    })

    it('refuses an option that is not JSON instead of missing its changes', async () => {
      const results = await Promise.allSettled([hash(new Map([['a', 1]])), hash(1n)])
      for (const result of results) {
        expect(result)
          .to.have.property('reason')
          .that.has.property('message')
          .that.includes('selects by an option that is not JSON')
      }
    })

    it('takes an instant like its text', async () => {
      expect(await hash(new Date('2026-01-31'))).to.equal(await hash('2026-01-31T00:00:00.000Z'))
    })
  })
})
