import {readdir, readFile} from 'node:fs/promises'

import {expect} from 'chai'
import {parse} from 'yaml'

import {addEntry, type NewEntry} from '../../src/config/add-entry.ts'
import {LorchestraError} from '../../src/base/errors.ts'

const WORK: NewEntry = {section: 'accounts', name: 'work', lines: 'source: gmail\nclient_id: ${ID} # whose\n'}
const MAIL: NewEntry = {section: 'jobs', name: 'mail', lines: 'account: work\n'}

/** The lines of a text that another one has not, and that everything else is there in its order. */
function added(before: string, after: string): string {
  const old = before.split('\n')
  const lines = after.split('\n')
  const start = lines.findIndex((line, index) => line !== old[index])
  const count = lines.length - old.length
  expect([...lines.slice(0, start), ...lines.slice(start + count)].join('\n')).to.equal(before)
  return lines.slice(start, start + count).join('\n')
}

describe('an entry that is added to lorchestra.yaml', () => {
  it('stands behind the others with their indentation, and every other line stays as it is', () => {
    const before = `# mine
warehouse:   {type: duckdb}

accounts: # whose
    home:   # at home
        source:    gmail   # the source
        # client_id: none

    # the last words on accounts

# what to read
jobs:
    a: {account: home}
`
    const after = addEntry(before, WORK)
    expect(added(before, after)).to.equal('    work:\n      source: gmail\n      client_id: ${ID} # whose')
    expect(after).to.match(/# the last words on accounts\n {4}work:\n[^]*\n\n# what to read\njobs:/)
    expect(parse(after)).to.deep.include({
      accounts: {home: {source: 'gmail'}, work: {source: 'gmail', client_id: '${ID}'}},
    })
    expect(added(after, addEntry(after, MAIL))).to.equal('    mail:\n      account: work')
  })

  for (const [what, before, expected] of [
    ['an empty file', '', 'accounts:\n  work:\n    source: gmail\n    client_id: ${ID} # whose\n'],
    ['a file of comments', '# mine\n', '# mine\naccounts:\n  work:\n    source: gmail\n    client_id: ${ID} # whose\n'],
    [
      'a section that is empty',
      'accounts: # none yet\n  # home: {}\njobs:\n',
      'accounts: # none yet\n  # home: {}\n  work:\n    source: gmail\n    client_id: ${ID} # whose\njobs:\n',
    ],
    [
      'a file whose last line has no end',
      'accounts:\n  home: {source: gmail}',
      'accounts:\n  home: {source: gmail}\n  work:\n    source: gmail\n    client_id: ${ID} # whose\n',
    ],
    [
      'a section that ends in a text of several lines',
      'accounts:\n  home:\n    source: rest\n    note: |\n      one\n\n      two\n\njobs: {}\n',
      'accounts:\n  home:\n    source: rest\n    note: |\n      one\n\n      two\n  work:\n    source: gmail\n    client_id: ${ID} # whose\n\njobs: {}\n',
    ],
  ] as const) {
    it(`can be the first one: ${what}`, () => {
      expect(addEntry(before, WORK)).to.equal(expected)
    })
  }

  it('keeps the line ends of Windows', () => {
    const after = addEntry('accounts:\r\n  home: {source: gmail}\r\n', WORK)
    expect(after.replaceAll('\r\n', '')).not.to.match(/[\r\n]/)
  })

  it('finds a place in braces, and keeps comments there', () => {
    for (const before of [
      'accounts: {} # none\njobs: {}\n',
      'accounts: {home: {source: gmail}} # one\n',
      '{accounts: {}}\n',
    ]) {
      const after = addEntry(before, WORK)
      expect(parse(after)).to.have.nested.property('accounts.work.client_id', '${ID}')
      expect(after.includes('# ')).to.equal(before.includes('# '), after)
    }
  })

  it('is refused where the name is taken', () => {
    expect(() => addEntry('accounts: {work: {source: rest}}', WORK))
      .to.throw(LorchestraError, 'there is an account "work" already')
      .with.property('code', 'E_NAME_TAKEN')
  })

  it('quotes a name that YAML would take for something else', () => {
    const after = addEntry('jobs:\n  a: {account: work}\n', {...MAIL, name: '1e3'})
    expect(parse(after)).to.have.nested.property('jobs.1e3.account', 'work')
  })

  it('goes into every example of lorchestra.yaml without changing another line', async () => {
    const folder = new URL('../../examples/', import.meta.url)
    const files = (await readdir(folder, {recursive: true})).filter((file) => file.endsWith('lorchestra.yaml'))
    expect(files).not.to.deep.equal([])
    for (const file of files) {
      const before = await readFile(new URL(file, folder), 'utf8')
      added(before, addEntry(before, WORK))
      added(before, addEntry(before, MAIL))
    }
  })
})
