import {conformanceTests} from 'lorchestra/testing'

import {temporaryFolder} from '../../../test/support/cli.ts'
import {contacts} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer, type EntraServer} from '../../../test/support/entra-server.ts'
import source from '../src/source.ts'

const now = new Date('2026-01-01T00:00:00Z')

describe('the Dataverse source', () => {
  let entra: EntraServer

  before(async () => {
    entra = await startEntraServer(await temporaryFolder())
  })
  after(async () => {
    await entra.close()
  })

  const tests = conformanceTests({
    source,
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
