import {expect} from 'chai'
import stringWidth from 'string-width'

import {plainScreen} from '../../src/base/screen.ts'
import type {SourceDescription} from '../../src/report/documents/sources-show.ts'
import {formatSource} from '../../src/report/source-description.ts'

const source: SourceDescription = {
  source: 'notes',
  summary: 'Notes of a notebook',
  plugin: {name: 'plugin-notes', version: '1.0.0', type: 'user'},
  reads: [],
  spawn: false,
  login: false,
  sweeps: false,
  defaults: {},
  streams: null,
  options: [
    {
      option: 'path',
      type: 'text',
      required: true,
      secret: false,
      selects: true,
      example: 'incoming/*.csv',
      description:
        'A file, or a pattern of files: * and ? within a name, ** for any folders, {a,b}. Relative to the folder of lorchestra.yaml',
    },
  ],
}

describe('what a terminal shows of a source', () => {
  it('fits it, with the lines of an option below each other', () => {
    for (const columns of [60, 80, 120]) {
      const lines = formatSource(source, {...plainScreen(), columns}).split('\n')
      for (const line of lines) expect(stringWidth(line), line).to.be.at.most(columns)
      const told = lines.slice(lines.findIndex((line) => line.includes('A file, or')))
      for (const line of told) expect(line).to.match(/^ {6}\S/)
    }
  })

  it('is whole in a pipe', () => {
    expect(formatSource(source, plainScreen())).to.match(/^ {6}A file, or .* lorchestra\.yaml\.$/m)
  })
})
