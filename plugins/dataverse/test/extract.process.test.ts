import {expect} from 'chai'
import type {JsonObject} from 'lorchestra'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {contacts, guid, type Contact} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer, type DataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import {messageOf} from '../../../test/support/message-of.ts'
import {lastOfEachKey, reading, type ReadingOptions} from './reading.ts'

const now = new Date('2026-03-01T12:00:00Z')
const key = ({contactid}: Contact): string => `contact:dataverse--clinic:${contactid}`
const sorted = (keys: Iterable<string>): string[] => [...keys].toSorted()

describe('reading Dataverse', () => {
  const rows = contacts(6000, {now})
  let entra: EntraServer

  before(async () => {
    entra = await startEntraServer(await temporaryFolder())
  })
  after(async () => {
    await entra.close()
  })

  describe('that nobody changes', () => {
    let server: DataverseServer

    before(async () => {
      server = await startDataverseServer({contacts: rows})
    })
    after(async () => {
      await server.close()
    })

    const keysOf = async (settings: ReadingOptions): Promise<string[]> => {
      const run = reading(entra, server.url, settings)
      await run.all()
      return sorted(lastOfEachKey(run).keys())
    }

    it('brings every row once, as the server sent it, etag included', async () => {
      const run = reading(entra, server.url)
      const records = await run.all()
      expect(records).to.have.length(rows.length)
      expect(sorted(lastOfEachKey(run).keys())).to.deep.equal(sorted(rows.map(key)))
      const sent = await fetch(`${server.url}/api/data/v9.2/contacts(${rows[7]?.contactid})`)
      const {'@odata.context': _context, ...row} = (await sent.json()) as JsonObject
      expect(records.find(({contactid}) => contactid === rows[7]?.contactid)).to.deep.equal(row)
      expect(row).to.include.keys('@odata.etag', 'fullname', '_parentcustomerid_value')
    })

    it('brings exactly the rows of the window, half open', async () => {
      const [first, last] = [rows[1000], rows[1500]] as [Contact, Contact]
      const window = {since: new Date(first.modifiedon), until: new Date(last.modifiedon)}
      expect(await keysOf({window})).to.deep.equal(sorted(rows.slice(1000, 1500).map(key)))
    })

    it('misses nothing between two windows, wherever the cut lies', async () => {
      for (const offset of [-1, 0, 1]) {
        const cut = new Date(Date.parse(rows[3000]?.modifiedon ?? '') + offset)
        const run = reading(entra, server.url, {window: {until: cut}})
        await run.all()
        const newer = reading(entra, server.url, {window: {since: cut}})
        await newer.all()
        const found = [...lastOfEachKey(run).keys(), ...lastOfEachKey(newer).keys()]
        expect(sorted(found)).to.deep.equal(sorted(rows.map(key)))
      }
    })

    it('narrows to the filter, and to the window within it', async () => {
      const filter = "statecode eq 1 or fullname eq 'Grace Kierkegaard 1'"
      const wanted = rows.filter(({statecode, fullname}) => statecode === 1 || fullname === 'Grace Kierkegaard 1')
      expect(await keysOf({options: {filter}})).to.deep.equal(sorted(wanted.map(key)))
      const since = new Date(rows[3000]?.modifiedon ?? '')
      const newer = wanted.filter(({modifiedon}) => Date.parse(modifiedon) >= since.getTime())
      expect(await keysOf({options: {filter}, window: {since}})).to.deep.equal(sorted(newer.map(key)))
    })

    it('brings only the columns that are selected, and the key', async () => {
      const [record] = await reading(entra, server.url, {options: {select: ['fullname', 'statecode']}}).all()
      expect(record).to.include.keys('@odata.etag', 'contactid', 'fullname', 'statecode')
      expect(record).not.to.include.any.keys('emailaddress1', 'createdon')
    })

    it('windows by another column', async () => {
      const since = new Date(rows[5000]?.createdon ?? '')
      const window = {since, until: new Date(rows[5100]?.createdon ?? '')}
      expect(await keysOf({options: {cursor_field: 'createdon'}, window})).to.deep.equal(
        sorted(rows.slice(5000, 5100).map(key)),
      )
    })

    it('brings rows without the time of the window with the window that has no beginning', async () => {
      const contactid = guid('without a time')
      await server.insert('contacts', {contactid, fullname: 'Nobody', modifiedon: null})
      try {
        const timeless = `contact:dataverse--clinic:${contactid}`
        expect(await keysOf({window: {until: now}})).to.include(timeless)
        expect(await keysOf({window: {since: new Date(0)}})).not.to.include(timeless)
      } finally {
        await server.remove('contacts', contactid)
      }
    })

    it('brings rows without a time that the job names in each run, as they may have lost it since the last one', async () => {
      const [inserted, emptied] = [guid('never had a time'), rows[4500]?.contactid ?? '']
      const timeless = [`contact:dataverse--clinic:${inserted}`, `contact:dataverse--clinic:${emptied}`]
      await server.insert('contacts', {contactid: inserted, fullname: 'Nobody', createdon: null})
      await server.update('contacts', emptied, {createdon: null})
      const options = {cursor_field: 'createdon'}
      try {
        const since = new Date(Date.now() - 1000)
        expect(await keysOf({options, window: {since}}), 'a plain run').to.have.members(timeless)
        const past = {since: new Date(rows[4000]?.createdon ?? ''), until: new Date(rows[4010]?.createdon ?? '')}
        expect(await keysOf({options, window: past}), 'a slice of the past').to.have.length(10)
        const filter = "fullname eq 'Nobody'"
        expect(await keysOf({options: {...options, filter, page_size: 1}, window: {since}})).to.deep.equal([
          timeless[0],
        ])
        const run = reading(entra, server.url, {options, window: {since}})
        await run.all()
        expect(run.logged).to.include('rows without a time are read in every run')
      } finally {
        await server.remove('contacts', inserted)
        await server.update('contacts', emptied, {createdon: rows[4500]?.createdon})
      }
    })

    it('brings everything, whatever the window, where the job says full', async () => {
      const window = {since: now, until: now}
      expect(await keysOf({options: {full: true}, window})).to.deep.equal(sorted(rows.map(key)))
    })

    it('reads an empty window without complaint', async () => {
      expect(await keysOf({window: {until: new Date('2004-01-01T00:00:00Z')}})).to.deep.equal([])
    })

    it('names tables that are like one that is not there', async () => {
      const wrong = (entity: string): Promise<string> =>
        messageOf(reading(entra, server.url, {options: {entity}}).all())
      expect(await wrong('contcat')).to.equal(`there is no table contcat in ${server.url}. Did you mean contact?`)
      expect(await wrong('contacts')).to.contain('Did you mean contact?')
      expect(await wrong('cre92_session')).to.contain('Did you mean cre92_clientsession?')
      expect(await wrong('opportunity')).to.contain('Use its logical name')
    })

    it('says what to look at when a column is not there', async () => {
      for (const options of [{select: ['surname']}, {filter: 'surname eq 1'}, {cursor_field: 'changedon'}]) {
        const message = await messageOf(reading(entra, server.url, {options}).all())
        expect(message).to.contain('Check select, filter and expand')
      }
    })
  })

  for (const [paging, keyset] of [
    ['at offsets', false],
    ['after the last key', true],
  ] as const) {
    describe(`whose pages begin ${paging}`, () => {
      let server: DataverseServer

      beforeEach(async () => {
        server = await startDataverseServer({contacts: rows}, {keyset})
      })
      afterEach(async () => {
        await server.close()
      })

      it('has every row though rows of pages that are read already are changed', async () => {
        const until = new Date(now.getTime() + 1000)
        const run = reading(entra, server.url, {
          window: {until},
          afterPage: async (page) => {
            for (const {contactid} of run.records.slice(0, 5))
              await server.update('contacts', String(contactid), {
                fullname: `changed after page ${page}`,
                modifiedon: new Date(now.getTime() + page).toISOString(),
              })
          },
        })
        await run.all()
        expect(run.pages.length).to.be.greaterThan(5)
        expect(sorted(lastOfEachKey(run).keys())).to.deep.equal(sorted(rows.map(key)))
      })

      it('has, after the next run, what the server has, though rows are changed, inserted and deleted meanwhile', async () => {
        const until = new Date(now.getTime() + 1000)
        const later = (page: number): string => new Date(until.getTime() + page).toISOString()
        const deleted = new Set<string>()
        const first = reading(entra, server.url, {
          window: {until},
          afterPage: async (page) => {
            const read = first.records.map(({contactid}) => String(contactid)).filter((id) => !deleted.has(id))
            const any = (purpose: string): string => {
              const position = Number.parseInt(guid(`${purpose} ${page}`).slice(0, 8), 16)
              return read[position % read.length] ?? ''
            }
            for (const id of new Set([any('delete'), any('delete too'), read.at(-1) ?? ''])) {
              await server.remove('contacts', id)
              deleted.add(id)
            }
            for (const id of [any('change'), read[0] ?? ''].filter((one) => !deleted.has(one)))
              await server.update('contacts', id, {fullname: `changed after page ${page}`, modifiedon: later(page)})
            for (const name of ['one', 'another'])
              await server.insert('contacts', {contactid: guid(`${name} ${page}`), modifiedon: later(page)})
          },
        })
        await first.all()
        const next = reading(entra, server.url, {
          window: {since: new Date(until.getTime() - 600_000), until: new Date(until.getTime() + 1000)},
        })
        await next.all()
        const found = new Map([...lastOfEachKey(first), ...lastOfEachKey(next)])
        const stored = server.stored('contacts')
        expect(deleted.size).to.be.greaterThan(10)
        expect(found.size).to.equal(stored.length + deleted.size)
        for (const row of stored) {
          const {'@odata.etag': _etag, ...record} =
            found.get(`contact:dataverse--clinic:${String(row['contactid'])}`) ?? {}
          expect(record, String(row['contactid'])).to.deep.equal({...row})
        }
      })

      it('has every row of five hundred that share one modifiedon, whatever the page size', async () => {
        const modifiedon = '2026-02-01T00:00:00.000Z'
        for (const {contactid} of rows.slice(0, 500)) await server.update('contacts', contactid, {modifiedon})
        const window = {since: new Date(modifiedon), until: new Date(Date.parse(modifiedon) + 1)}
        const run = reading(entra, server.url, {window})
        await run.all()
        const expected = rows.filter((row, index) => index < 500 || row.modifiedon === modifiedon)
        expect(sorted(lastOfEachKey(run).keys())).to.deep.equal(sorted(expected.map(key)))
      })
    })
  }

  it('misses nothing where a page is a single row, and each that was read is deleted before the next', async () => {
    const server = await startDataverseServer({contacts: rows.slice(0, 12)}, {pageSize: 1, keyset: false})
    try {
      const run = reading(entra, server.url, {
        afterPage: async () => server.remove('contacts', String(run.records.at(-1)?.['contactid'])),
      })
      await run.all()
      expect(run.records).to.have.length(12)
    } finally {
      await server.close()
    }
  })
})
