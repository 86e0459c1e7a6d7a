import {expect} from 'chai'

import {createProject, homeWith} from '../support/external-source.ts'

/** What clears a screen, moves the cursor, turns letters round or begins a line. */
const EVIL = '\u001B[2Jone\u009B2Jtwo\u007Fthree\u202Efour\u2066five'
const FORGED = '✓ things: 5,000,000 inserted'
/** What no line that lorchestra prints may hold. */
// eslint-disable-next-line no-control-regex
const ACTS = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/u

const SOURCE = `
const validate = (value) => ({value})
const evil = ${JSON.stringify(EVIL)}
export default {
  apiVersion: 1,
  name: 'painting',
  summary: 'paints the terminal',
  options: {'~standard': {version: 1, vendor: 'painting', validate}},
  streams: () => [{objectType: 'thing', windowed: false}],
  idemKey: ({id}, {sourceSystem}) => \`thing:\${sourceSystem}:\${id}\`,
  async *extract({options, log, reject}) {
    log.warn(evil + '\\n' + ${JSON.stringify(FORGED)})
    reject(evil, evil + '\\n' + ${JSON.stringify(FORGED)})
    yield {records: [{id: 'a', [evil]: evil + '\\n' + ${JSON.stringify(FORGED)}}]}
    if (options.fails) throw new Error(evil + '\\n' + ${JSON.stringify(FORGED)})
  },
}
`

describe('what a source or a record says', () => {
  for (const [what, args] of Object.entries({
    'a dry run and its samples': ['run', 'things', '--dry-run'],
    'a dry run with a diff': ['run', 'things', '--dry-run', '--diff'],
    'a run': ['run', 'things', '--log-level', 'debug'],
    'a run that fails': ['run', 'failing', '--log-level', 'debug'],
  }))
    it(`paints no terminal and forges no line: ${what}`, async () => {
      const home = await homeWith({name: 'painting', files: {'source.js': SOURCE}})
      const yaml = 'jobs:\n  things: {source: painting}\n  failing: {source: painting, fails: true}\n'
      const project = await createProject({home, yaml})
      const {stdout, stderr} = await project.run(args)
      expect(`${stdout}${stderr}`).to.contain('one').and.contain('five')
      for (const text of [stdout, stderr]) {
        expect(text).not.to.match(ACTS)
        expect(text.split('\n').map((line) => line.trimStart())).not.to.include(FORGED)
      }
      const listed = await project.run(['rejects', 'list', 'things'])
      expect(listed.stdout).not.to.match(ACTS)
    })
})
