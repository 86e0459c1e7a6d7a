import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {text} from 'node:stream/consumers'

import {expect} from 'chai'

import {createProject, homeWith} from '../support/external-source.ts'

/** As JSON it is written in another way. */
const TOKEN = String.raw`hush"hush\hush`

const SOURCE = `
const validate = (value) => ({value})
export default {
  apiVersion: 1,
  name: 'telling',
  summary: 'tells its secret',
  options: {'~standard': {version: 1, vendor: 'telling', validate}},
  secrets: ['token'],
  streams: () => [{objectType: 'thing', windowed: false}],
  idemKey: () => 'none',
  async *extract({options}) {
    throw new Error('refused with ' + options.token)
  },
}
`

describe('a secret in the error of a run that somebody is notified of', () => {
  it('is hidden, also where quotes and backslashes have it look otherwise in JSON', async () => {
    const told: string[] = []
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        told.push(body)
        response.end()
      })
    })
    await new Promise<void>((listening) => {
      server.listen(0, '127.0.0.1', listening)
    })
    try {
      const hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
      const yaml = 'jobs:\n  things: {source: telling, token: "${TOKEN}"}\nnotifications:\n  webhook: ${HOOK}\n'
      const home = await homeWith({name: 'telling', files: {'source.js': SOURCE}})
      const project = await createProject({home, yaml})
      const {code, stderr} = await project.run(['run', 'things'], {HOOK: hook, TOKEN})
      expect(code).to.equal(1)
      expect(told).to.have.length(1)
      for (const shown of [stderr, told.join()]) expect(shown).to.contain('refused with ***').and.not.contain('hush')
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
