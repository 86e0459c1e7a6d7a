import {expect} from 'chai'

import {options as schema} from '../src/options.ts'

describe('Options for Google’s own credentials', () => {
  for (const [input, path] of [
    [{}, ['client_id', 'client_secret']],
    [{auth: 'service_account'}, ['service_account_file', 'subject']],
    [{auth: 'service_account', service_account_file: 'key.json'}, ['subject']],
    [{client_id: 'id', client_secret: 'secret', subject: 'ada@example.com'}, ['subject']],
    [{auth: 'application_default', client_id: 'id'}, ['client_id']],
    [{auth: 'password'}, ['auth']],
  ] as const) {
    it(`refuse ${JSON.stringify(input)}`, () => {
      const {error} = schema.safeParse(input)
      expect(error?.issues.map((issue) => issue.path[0])).to.deep.equal(path)
    })
  }
})
