import {brotliCompressSync, deflateRawSync, deflateSync, gzipSync} from 'node:zlib'

import {expect} from 'chai'

import type {HttpRequest, HttpResponse} from '../../../src/source.ts'
import {AccountTraffic} from '../../../src/sources/http/account-traffic.ts'
import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import {encode} from '../../support/charsets.ts'
import {startFaultProxy, type FaultProxy} from '../../support/fault-proxy.ts'
import {errorOf, messageOf} from '../../support/message-of.ts'
import {patientClock} from '../../support/patient-clock.ts'

const ROWS = {rows: 'Zoë 孝子'}
const ZOE = {name: 'Zoë'}

/** JSON in which one text holds a byte that is no UTF-8. */
const damaged = (value: unknown): Buffer => Buffer.from(JSON.stringify(value).replace('§', '\u00E9'), 'latin1')

describe('the body of an answer', () => {
  let server: FaultProxy
  beforeEach(async () => {
    server = await startFaultProxy()
  })
  afterEach(async () => server.close())

  const answered = async (
    body: string | Buffer,
    headers: Record<string, string>,
    request: Partial<HttpRequest> = {},
  ): Promise<HttpResponse> => {
    await server.rules.forAnyRequest().thenReply(200, body, headers)
    const log = {debug() {}, info() {}, warn() {}, error() {}}
    const client = createHttpClient({
      signal: new AbortController().signal,
      log,
      traffic: new AccountTraffic(patientClock()),
    })
    return client.request({url: `${server.url}/data`, ...request})
  }

  const text = JSON.stringify(ROWS)
  for (const [coding, packed] of [
    ['gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['gzip, gzip', gzipSync(gzipSync(text))],
    ['deflate', deflateSync(text)],
    ['Deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['deflate, identity , br', brotliCompressSync(deflateSync(text))],
  ] as const)
    it(`is unpacked: ${coding}, ${packed.length} bytes`, async () => {
      expect((await answered(packed, {'content-encoding': coding})).body).to.deep.equal(ROWS)
    })

  for (const coding of ['gzip', 'deflate', 'br'])
    it(`that is empty is none, and no error of ${coding}`, async () => {
      expect(await messageOf(answered('', {'content-encoding': coding}))).to.contain('answered 200 with a body without')
    })

  it('that is packed as nobody asked for is an error that names the coding, at once', async () => {
    expect(await messageOf(answered(text, {'content-encoding': 'compress, zstd'}))).to.match(/packed as "zstd"/)
    expect(server.requests).to.have.length(1)
  })

  for (const charset of ['iso-8859-1', 'windows-1252', 'shift_jis', 'utf-8'])
    it(`has the charset that its type states: ${charset}`, async () => {
      const value = charset === 'shift_jis' ? {name: '孝子 表'} : ZOE
      const type = `application/json; odata=minimal; charset="${charset.toUpperCase()}"`
      const {body} = await answered(encode(JSON.stringify(value), charset), {'content-type': type})
      expect(body).to.deep.equal(value)
    })

  it('has the charset that its type states: UTF-16', async () => {
    const bytes = Buffer.from(`\uFEFF${JSON.stringify(ZOE)}`, 'utf16le')
    expect((await answered(bytes, {'content-type': 'application/json; charset=utf-16'})).body).to.deep.equal(ZOE)
  })

  it('is UTF-8 where it can be, whatever is stated, with and without a mark', async () => {
    const type = {'content-type': 'application/json; charset=iso-8859-1'}
    expect((await answered(`\uFEFF${JSON.stringify(ZOE)}`, type)).body).to.deep.equal(ZOE)
  })

  it('in a charset that nobody knows is an error that names it, at once', async () => {
    const type = {'content-type': 'application/json; charset=x-klingon'}
    expect(await messageOf(answered(damaged({name: '§'}), type))).to.contain('the charset "x-klingon" is not known')
    expect(server.requests).to.have.length(1)
  })

  it('with a byte that is no UTF-8 has a text that is no Unicode there, and all else as it was sent', async () => {
    const {body} = await answered(damaged({rows: [{id: 1}, {id: 2, name: 'Zo§, §'}]}), {})
    const [first, second] = body['rows'] as readonly {readonly name?: string}[]
    expect(first).to.deep.equal({id: 1})
    expect(second?.name)
      .to.match(/^Zo.*, §|Zo/)
      .and.to.satisfy((name: string) => !name.isWellFormed())
  })

  it('may be a list, for a source that asks for one', async () => {
    const list = [{id: 1, amount: 1.5}, 2, 'three']
    const {body, parts} = await answered(`\uFEFF ${JSON.stringify(list)} \n`, {}, {listInParts: ''})
    expect(body).to.deep.equal({})
    expect([...(parts ?? [])].flat()).to.deep.equal(list)
  })

  it('may be an object all the same, where a list was asked for', async () => {
    const {body, parts} = await answered('{"message": "nothing yet"}', {}, {listInParts: ''})
    expect([body, parts]).to.deep.equal([{message: 'nothing yet'}, undefined])
  })

  it('that is a list and more is none', async () => {
    expect(await messageOf(answered('[1] [2]', {}, {listInParts: ''}))).to.contain('is not a JSON object')
  })

  it('that is a list nobody asked for is an error that says how to, at once', async () => {
    const error = await errorOf(answered('[{"id": 1}]', {}))
    expect(error).to.include({name: 'HttpError', isList: true})
    expect(error.message).to.contain("it is a JSON list; the source must ask for it with listInParts: ''")
    expect(server.requests).to.have.length(1)
    expect(await errorOf(answered('"text"', {}))).not.to.have.property('isList')
  })
})
