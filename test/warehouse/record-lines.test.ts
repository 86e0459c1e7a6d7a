import {expect} from 'chai'

import {codeOf} from '../../src/base/errors.ts'
import {JSON_LINES, TEXT_LINES} from '../../src/warehouse/record-lines.ts'

const NAME = {idemKey: 'k', sourceSystem: 's', objectType: 'o', externalId: 'e'}
const lineOf = (json: string): string => {
  const record = {...NAME, json: Buffer.from(json)}
  return `${JSON_LINES.before(record, 1)}${json}${JSON_LINES.after}`
}

describe('a line of JSON with a record', () => {
  it('holds the payload as one member', () => {
    const line = JSON.parse(lineOf('{"a":"}{","b":[{}]}')) as object
    expect(line)
      .to.include({idem_key: 'k', sequence: 1})
      .and.to.deep.include({payload: {a: '}{', b: [{}]}})
  })

  it('holds it as a text where its reader is to parse it, whatever is between the braces', () => {
    const payload = '{"a":67.174118,"b":"\\"\\u0000\u2028",oops}'
    const json = Buffer.from(payload)
    const text = Buffer.from(TEXT_LINES.payload?.(json) ?? []).toString('utf8')
    const line = JSON.parse(`${TEXT_LINES.before({...NAME, json}, 1)}${text}${TEXT_LINES.after}`) as object
    expect(line).to.include({idem_key: 'k', sequence: 1, payload})
  })

  it('is refused as the fault of the source where the payload is more than one object, or less', () => {
    for (const json of [
      '{},"idem_key":"of another","z":{}',
      '{}}\n{"idem_key":"of another","payload":{}',
      '{}{}',
      '{"a":1',
      '[{}]',
      '{"a":"\n"}',
      '{"a":"',
      '',
    ]) {
      let error: unknown
      try {
        lineOf(json)
      } catch (thrown) {
        error = thrown
      }
      expect(codeOf(error), json).to.equal('E_SOURCE_BUG')
    }
  })
})
