import {expect} from 'chai'
import fc from 'fast-check'
import {stringify} from 'yaml'

import {parseYamlFile} from '../../src/config/yaml-file.ts'
import {outcomeOf, type LorchestraError} from '../../src/base/errors.ts'

const TRAP = /__proto__|<<|\$\{|\$(?:env:)?[A-Z_]|[\p{Pi}\p{Pf}„‚]/u
/** Texts that begin like YAML, so that more than the first character is looked at. */
const likeYaml = fc
  .array(
    fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '&a ',
      '*a',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '|',
      '#',
      '!!t ',
      '%',
      '1',
      ',',
      '? ',
      '---\n',
      '${',
      '\t',
    ),
  )
  .map((parts) => parts.join(''))

describe('a YAML file', () => {
  it('gives back every value that was written to it', () => {
    const exact = fc.jsonValue({noUnicodeString: false, depthSize: 'small'}).filter((value) => {
      const text = JSON.stringify(value)
      return !TRAP.test(text) && !/\d{16}|e\+?\d/.test(text)
    })
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), exact, {maxKeys: 4}), (value) => {
        // JSON knows no -0.
        const wanted = JSON.parse(JSON.stringify(value)) as unknown
        expect(parseYamlFile(stringify(wanted), 'file.yaml').value).to.deep.equal(wanted)
      }),
    )
  })

  it('is data or a usage error that says where, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.oneof(likeYaml, fc.string({unit: 'binary'})), (text) => {
        try {
          const {value, locate} = parseYamlFile(text, 'file.yaml')
          JSON.stringify(value)
          expect(locate(['a', 0, 'b'])).to.match(/^file\.yaml:\d+:\d+$/)
        } catch (error) {
          expect(outcomeOf(error)).to.equal('usage')
          const {message, next = ''} = error as LorchestraError
          expect(`${message}\n${next}`).to.match(/file\.yaml:[1-9]\d*:[1-9]\d*/)
        }
      }),
      {numRuns: 2000},
    )
  })

  for (const [value, written, name] of [
    ['$TOKEN', '$TOKEN', 'TOKEN'],
    ['"Bearer $TOKEN"', '$TOKEN', 'TOKEN'],
    ['https://$HOST/api', '$HOST', 'HOST'],
    ['$env:TOKEN', '$env:TOKEN', 'TOKEN'],
    ['%TOKEN%', '%TOKEN%', 'TOKEN'],
  ] as const) {
    it(`names the variable in ${value}, which would stay text`, () => {
      const error = refusalOf(`a: 1\nkey: ${value}\n`)
      expect(error.message)
        .to.match(/^file\.yaml:2:6: /)
        .and.to.contain(`${written} is no variable`)
      expect(error.next).to.contain(`Write \${${name}}`)
    })
  }

  it('takes a $ that begins no name of a variable', () => {
    for (const value of ['$filter', 'p$WORD', '$$', '5 $', '${TOKEN}', '$${TOKEN}'])
      expect(parseYamlFile(`key: ${value}`, 'file.yaml').value).to.deep.equal({key: value})
  })

  it('names quotes of printed text, unless straight ones stand around them', () => {
    expect(refusalOf('key: “abc”').message).to.contain('quotes')
    expect(parseYamlFile('key: "“abc”"', 'file.yaml').value).to.deep.equal({key: '“abc”'})
  })
})

function refusalOf(text: string): LorchestraError {
  try {
    parseYamlFile(text, 'file.yaml')
  } catch (error) {
    return error as LorchestraError
  }
  throw new Error('nothing was refused')
}
