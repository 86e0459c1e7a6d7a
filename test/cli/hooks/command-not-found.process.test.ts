import {expect} from 'chai'

import {lorchestra} from '../../support/cli.ts'
import {folderForEachTest} from '../../support/folder.ts'

describe('a command that there is not', () => {
  const folder = folderForEachTest()

  for (const [line, meant] of [
    ['rnu some_job', 'lorchestra run'],
    ['job list', 'lorchestra jobs list'],
    ['warehouse crate', 'lorchestra warehouse create'],
    ['login', 'lorchestra accounts login'],
    ['entirely-different', 'lorchestra --help'],
  ] as const) {
    it(`is a usage error with a next step: ${line}`, async () => {
      const {code, stdout, stderr} = await lorchestra(line.split(' '), {cwd: folder()})
      expect([code, stdout]).to.deep.equal([2, ''])
      expect(stderr).to.include('there is no command').and.to.include(meant)
    })
  }
})
