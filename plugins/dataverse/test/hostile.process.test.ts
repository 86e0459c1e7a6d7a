import {expect} from 'chai'

import {homeOfTest, temporaryFolder} from '../../../test/support/cli.ts'
import {clinicEnv, clinicYaml} from '../../../test/support/clinic-yaml.ts'
import {contacts} from '../../../test/support/dataverse-rows.ts'
import {startDataverseServer} from '../../../test/support/dataverse-server.ts'
import {startEntraServer} from '../../../test/support/entra-server.ts'
import {createProject} from '../../../test/support/external-source.ts'
import {passTo, startFaultProxy} from '../../../test/support/fault-proxy.ts'
import {expectStoredWhole, HOSTILE} from '../../../test/support/hostile-answers.ts'

describe('hostile answers of Dataverse', () => {
  it('are stored whole, and known when they come again', async () => {
    const rows = contacts(HOSTILE.length, {now: new Date('2026-03-01T12:00:00Z')})
    const ids = rows.map(({contactid}) => contactid)
    const entra = await startEntraServer(await temporaryFolder())
    const server = await startDataverseServer({contacts: rows})
    const proxy = await startFaultProxy()
    try {
      await proxy.rules.forGet('/api/data/v9.2/contacts').thenCallback(async (request) => {
        const answer = await passTo(server.url)(request)
        const body = String(answer.body).replaceAll(
          /"contactid":"([^"]+)"/g,
          (id, guid: string) => `${id},"hostile":${HOSTILE[ids.indexOf(guid)]?.[1]}`,
        )
        return {...answer, body}
      })
      await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
      const project = await createProject({
        home: await homeOfTest(),
        yaml: clinicYaml({url: proxy.url, entra, jobs: {contacts: 'entity: contact'}}),
      })
      const env = clinicEnv(entra)
      const first = await project.run(['run', 'contacts'], env)
      expect(first.stdout + first.stderr).to.contain(`${ids.length} extracted, ${ids.length} inserted`)
      await expectStoredWhole(project.database, ids)
      const again = await project.run(['run', 'contacts', '--full'], env)
      expect(again.stdout + again.stderr).to.contain(`0 inserted, 0 updated, ${ids.length} unchanged`)
    } finally {
      await proxy.close()
      await server.close()
      await entra.close()
    }
  })
})
