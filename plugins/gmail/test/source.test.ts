import {expect} from 'chai'

import hook from '../src/hook.ts'
import {options} from '../src/options.ts'
import {searchFor} from '../src/slice-window.ts'
import source from '../src/source.ts'

const required = {client_id: 'id', client_secret: 'secret'}

describe('the Gmail source', () => {
  it('is found by the name that its descriptor gives', async () => {
    const [descriptor] = await hook()
    expect(descriptor).to.include({apiVersion: source.apiVersion, name: source.name, summary: source.summary})
    expect(await descriptor?.load()).to.equal(source)
  })

  it('keys a message by its id, for ever the same', () => {
    const stream = {sourceSystem: 'gmail--acct1', objectType: 'email'}
    expect(source.idemKey({id: '18c2'}, stream)).to.equal('email:gmail--acct1:18c2')
    for (const record of [{}, {id: ''}, {id: 7}, {id: null}])
      expect(() => source.idemKey(record, stream)).to.throw('the message has no id')
  })

  describe('options', () => {
    it('need no more than the OAuth client', () => {
      expect(options.parse(required)).to.deep.equal({
        ...required,
        auth: 'refresh_token',
        query: '',
        include_spam_trash: false,
        sync: 'window',
        format: 'full',
        max_message_bytes: 70_000_000,
        units_per_minute: 4800,
        units_per_get: 20,
        units_per_history: 2,
        units_per_list: 5,
        concurrency: 4,
        api_url: 'https://gmail.googleapis.com',
        authorization_url: 'https://accounts.google.com/o/oauth2/v2/auth',
        token_url: 'https://oauth2.googleapis.com/token',
      })
    })

    for (const name of Object.keys(required)) {
      it(`need ${name}`, () => {
        const {error} = options.safeParse({...required, [name]: undefined})
        expect(error?.issues.map(({path}) => path)).to.deep.equal([[name]])
      })
    }

    for (const wrong of [
      {querry: 'from:ada'},
      {concurrency: 0},
      {concurrency: 11},
      {concurrency: '4'},
      {format: 'minimal'},
      {labels: []},
      {labels: ['']},
      {units_per_minute: 0},
      {max_message_bytes: 100_000_000},
      {include_spam_trash: 'yes'},
      {api_url: 'gmail.googleapis.com'},
      {token_url: 'file:///etc/hostname'},
      {query: 'subject:"open'},
      {query: 'from:(ada'},
      {query: 'ada) OR (grace'},
      {query: '{from:ada)'},
    ]) {
      it(`refuse ${JSON.stringify(wrong)}`, () => {
        expect(options.safeParse({...required, ...wrong}).success).to.equal(false)
      })
    }

    for (const query of ['from:(ada OR grace) "a (b"', '{from:ada from:grace}', '-label:Ops (a (b))']) {
      it(`take the search ${query}`, () => {
        expect(options.safeParse({...required, query}).success).to.equal(true)
      })
    }
  })

  it('uses 80 % of the quota of a new project unless it is told otherwise', () => {
    expect(source.rateLimit?.(options.parse(required))).to.deep.equal({unitsPerMinute: 4800})
    expect(source.rateLimit?.(options.parse({...required, units_per_minute: 12_000}))).to.deep.equal({
      unitsPerMinute: 12_000,
    })
  })

  describe('search', () => {
    const since = new Date('2026-01-01T00:00:00.500Z')
    const until = new Date('2026-01-02T00:00:00.500Z')

    it('reaches a second beyond the slice on both sides', () => {
      const search = searchFor(options.parse({...required, query: 'a OR b'}), {since, until})
      expect(search).to.equal(`(a OR b) after:${since.getTime() / 1000 - 1.5} before:${until.getTime() / 1000 + 1.5}`)
    })

    it('has no beginning where the slice has none', () => {
      expect(searchFor(options.parse(required), {until: new Date(5000)})).to.equal('before:6')
    })
  })
})
