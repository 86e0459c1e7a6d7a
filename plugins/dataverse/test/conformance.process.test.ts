import {resolve} from 'node:path'

import {conformanceTests} from 'lorchestra/testing'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {contacts} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import source from '../src/source.ts'

const now = new Date('2026-01-01T00:00:00Z')

describe('the Dataverse source', () => {
  let entra: EntraServer
  const {NODE_EXTRA_CA_CERTS: certificates} = process.env

  before(async () => {
    entra = await startEntraServer(await temporaryFolder())
    // This process trusts it already; a box learns of it as it does of every authority of the machine's owner.
    process.env['NODE_EXTRA_CA_CERTS'] = entra.certificate
  })
  after(async () => {
    if (certificates === undefined) delete process.env['NODE_EXTRA_CA_CERTS']
    else process.env['NODE_EXTRA_CA_CERTS'] = certificates
    await entra.close()
  })

  const tests = conformanceTests({
    source,
    package: resolve(import.meta.dirname, '..'),
    service: async ({records, size}) => {
      const rows = contacts(records, {now}).map((row) => ({...row, fullname: row.fullname.padEnd(size, ' …')}))
      const server = await startDataverseServer({contacts: rows}, {pageSize: Math.min(1000, Math.ceil(records / 3))})
      return {
        url: server.url,
        options: (url) => ({
          url,
          tenant_id: entra.tenantId,
          client_id: entra.clientId,
          client_secret: entra.clientSecret,
          authority: entra.url,
          entity: 'contact',
        }),
        close: async () => server.close(),
      }
    },
    timeOf: ({modifiedon}) => new Date(String(modifiedon)),
  })
  for (const {rule, test} of tests) it(rule, test)
})
