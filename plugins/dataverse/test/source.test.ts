import {readFileSync} from 'node:fs'

import {expect} from 'chai'
import {parse} from 'yaml'

import hook from '../src/hook.ts'
import {keyBy} from '../src/idem-key.ts'
import {options, type Options} from '../src/options.ts'
import {filterFor, halves} from '../src/slice-window.ts'
import source from '../src/source.ts'

const required = {
  url: 'https://clinic.crm.dynamics.com',
  tenant_id: 'clinic.example',
  client_id: 'app',
  entity: 'contact',
}
const id = '0A1B2C3D-0000-4000-8000-00000000000F'

describe('the Dataverse source', () => {
  it('is found by the name that its descriptor gives', async () => {
    const [descriptor] = await hook()
    expect(descriptor).to.include({apiVersion: source.apiVersion, name: source.name, summary: source.summary})
    expect(await descriptor?.load()).to.equal(source)
  })

  it('keys a row by the GUID of its primary key in lower case, whatever that column is called', () => {
    const stream = {sourceSystem: 'dataverse--clinic', objectType: 'phonecall'}
    keyBy('activityid', stream)
    expect(source.idemKey({activityid: id, phonecallid: 'other'}, stream)).to.equal(
      `phonecall:dataverse--clinic:${id.toLowerCase()}`,
    )
    for (const row of [{}, {activityid: null}, {activityid: 7}, {activityid: '7'}, {activityid: `${id}0`}])
      expect(() => source.idemKey(row, stream)).to.throw('the row has no GUID in activityid')
  })

  it('never guesses the primary key', () => {
    const stream = {sourceSystem: 'dataverse--clinic', objectType: 'unread'}
    expect(() => source.idemKey({unreadid: id}, stream)).to.throw('not known yet')
  })

  it('calls its records as the table is called, unless the job calls them otherwise', () => {
    const streams = (more: object) => source.streams(options.parse({...required, ...more}))
    expect(streams({})).to.deep.equal([{objectType: 'contact', windowed: true, misses: ['late']}])
    expect(streams({object_type: 'person'})).to.deep.equal([{objectType: 'person', windowed: true, misses: ['late']}])
    expect(streams({full: true})).to.deep.equal([{objectType: 'contact', windowed: false, misses: []}])
  })

  describe('options', () => {
    it('need no more than the environment, the app and the table', () => {
      expect(options.parse(required)).to.deep.equal({
        ...required,
        authority: 'https://login.microsoftonline.com',
        page_size: 1000,
        annotations: 'none',
        cursor_field: 'modifiedon',
        full: false,
        track_changes: false,
      })
    })

    for (const name of Object.keys(required)) {
      it(`need ${name}`, () => {
        const {error} = options.safeParse({...required, [name]: undefined})
        expect(error?.issues.map(({path}) => path)).to.deep.equal([[name]])
      })
    }

    it('are what its page shows', () => {
      const page = readFileSync(new URL('../../../docs/dataverse.md', import.meta.url), 'utf8')
      const shown = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? ''
      const {accounts, jobs} = parse(shown) as Record<'accounts' | 'jobs', Record<string, Record<string, unknown>>>
      const {source: name, ...account} = accounts['clinic'] ?? {}
      expect(name).to.equal(source.name)
      for (const {account: _clinic, ...job} of Object.values(jobs))
        expect(options.safeParse({...account, ...job, tenant_id: 'clinic.example'}).error).to.equal(undefined)
      expect(Object.keys(jobs)).to.have.length(3)
    })

    for (const wrong of [
      {entitty: 'contact'},
      {entity: 'Contact'},
      {entity: "contact')/x"},
      {url: 'clinic.crm.dynamics.com'},
      {url: 'https://clinic.crm.dynamics.com/api/data/v9.2'},
      {url: 'https://ada:secret@clinic.crm.dynamics.com'},
      {authority: 'http://login.microsoftonline.com'},
      {tenant_id: 'a/b'},
      {page_size: 0},
      {page_size: 5001},
      {annotations: 'some'},
      {select: []},
      {select: ['fullname,emailaddress1']},
      {cursor_field: 'modifiedon desc'},
      {object_type: 'Contact'},
      {filter: 'statecode eq 0) or (statecode eq 1'},
      {filter: "fullname eq 'open"},
      {filter: '(statecode eq 0'},
      {track_changes: true, filter: 'statecode eq 0'},
      {track_changes: true, expand: 'parentcustomerid'},
    ]) {
      it(`refuse ${JSON.stringify(wrong)}`, () => {
        expect(options.safeParse({...required, ...wrong}).success).to.equal(false)
      })
    }

    for (const filter of ["fullname eq 'O''Neill (a'", "(statecode eq 0) and contains(fullname,'(')"]) {
      it(`take the filter ${filter}`, () => {
        expect(options.safeParse({...required, filter}).success).to.equal(true)
      })
    }
  })

  describe('windows', () => {
    const since = new Date('2026-01-01T00:00:00Z')
    const until = new Date('2026-01-02T00:00:00Z')
    const chosen = (more: object = {}): Options => options.parse({...required, ...more})

    it('are added to the filter, half open', () => {
      expect(filterFor(chosen({filter: 'a eq 1 or b eq 2'}), {since, until})).to.equal(
        '(a eq 1 or b eq 2) and modifiedon ge 2026-01-01T00:00:00.000Z and modifiedon lt 2026-01-02T00:00:00.000Z',
      )
    })

    it('take in the rows without the time where they have no beginning', () => {
      expect(filterFor(chosen(), {until})).to.equal('(modifiedon lt 2026-01-02T00:00:00.000Z or modifiedon eq null)')
    })

    it('are halved without a gap, down to a second', () => {
      const [first, second] = halves({since, until}) ?? []
      expect(first).to.deep.equal({since, until: new Date('2026-01-01T12:00:00Z')})
      expect(second).to.deep.equal({since: new Date('2026-01-01T12:00:00Z'), until})
      expect(halves({since, until: new Date(since.getTime() + 1999)})).to.equal(undefined)
      expect(halves({until})?.[0]).not.to.have.property('since')
    })
  })
})
