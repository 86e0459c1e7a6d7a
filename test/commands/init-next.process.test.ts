import {once} from 'node:events'
import {copyFile, mkdir, readFile, writeFile} from 'node:fs/promises'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'

import {expect} from 'chai'

import {lorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {startDataverseServer} from '../support/dataverse-server.ts'
import {contacts} from '../support/dataverse-rows.ts'
import {startEntraServer} from '../support/entra-server.ts'
import {startGmailServer} from '../support/gmail-server.ts'
import {mailbox} from '../support/mailbox.ts'
import {onTerminal, terminalIsThere} from '../support/terminal.ts'

interface Filled {
  /** The values of variables. */
  readonly values: Readonly<Record<string, string>>
  /** Lines of the account's in lorchestra.yaml in place of others, as the services are on this machine. */
  readonly lines: readonly (readonly [written: string, local: string])[]
  /** The environment in which commands run. */
  readonly env?: Readonly<Record<string, string>>
  readonly close: () => Promise<unknown>
}

/** How a user fills in what `init` wrote for each source. */
const SOURCES: Readonly<Record<string, {readonly missed: readonly string[]; fill(folder: string): Promise<Filled>}>> = {
  gmail: {
    missed: ['GMAIL_MINE_CLIENT_ID', 'GMAIL_MINE_CLIENT_SECRET'],
    fill: async () => {
      const server = await startGmailServer(mailbox(5, {now: new Date()}), {account: 'mine'})
      const {apiUrl, authorizationUrl, tokenUrl, env, close} = server
      const local = `source: gmail\n    api_url: ${apiUrl}\n    authorization_url: ${authorizationUrl}\n    token_url: ${tokenUrl}\n`
      return {values: env, lines: [['source: gmail\n', local]], close}
    },
  },
  dataverse: {
    missed: ['DATAVERSE_MINE_URL', 'DATAVERSE_MINE_TENANT_ID', 'DATAVERSE_MINE_CLIENT_ID', 'DATAVERSE_MINE_ENTITY'],
    fill: async () => {
      const dataverse = await startDataverseServer({contacts: contacts(3, {now: new Date(), days: 3})})
      const entra = await startEntraServer(await temporaryFolder())
      return {
        values: {
          DATAVERSE_MINE_URL: dataverse.url,
          DATAVERSE_MINE_TENANT_ID: entra.tenantId,
          DATAVERSE_MINE_CLIENT_ID: entra.clientId,
          DATAVERSE_MINE_CLIENT_SECRET: entra.clientSecret,
          DATAVERSE_MINE_ENTITY: 'contact',
        },
        lines: [['source: dataverse\n', `source: dataverse\n    authority: ${entra.url}\n`]],
        env: {NODE_EXTRA_CA_CERTS: entra.certificate},
        close: async () => Promise.all([dataverse.close(), entra.close()]),
      }
    },
  },
  files: {
    missed: ['incoming'],
    fill: async (folder) => {
      await mkdir(join(folder, 'incoming'))
      await writeFile(join(folder, 'incoming', 'a.csv'), 'id,name\n1,one\n')
      return {values: {}, lines: [], close: async () => Promise.resolve()}
    },
  },
  rest: {
    missed: ['REST_MINE_TOKEN'],
    fill: async () => {
      const server = createServer((_request, response) => {
        const data = [{id: 1, updated_at: new Date(Date.now() - 3_600_000).toISOString()}]
        response.writeHead(200, {'content-type': 'application/json'}).end(JSON.stringify({data, next: null}))
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const {port} = server.address() as AddressInfo
      return {
        values: {REST_MINE_TOKEN: 'local-token'},
        lines: [['https://api.example.com/v2', `http://127.0.0.1:${port}/v2`]],
        close: async () => {
          server.closeAllConnections()
          return new Promise((closed) => server.close(closed))
        },
      }
    },
  },
}

/** The commands that it says, as they stand there. */
const commandsIn = (text: string): readonly string[] =>
  [...text.matchAll(/→ .*?\blorchestra ((?:doctor|accounts|run)\b[^`]*?)(?=`| tries|$)/gm)].map(([, line = '']) => line)

describe('what init suggests next', () => {
  for (const [source, {missed, fill}] of Object.entries(SOURCES)) {
    describe(`for ${source}`, () => {
      let folder: string
      let said: string
      beforeEach(async () => {
        const started = await temporaryFolder()
        const {code, stdout, stderr} = await lorchestra(
          ['init', '--source', source, '--account', 'mine', '--directory', 'my ingestion'],
          {cwd: started},
        )
        expect([code, stderr]).to.deep.equal([0, ''])
        said = stdout
        expect(said).to.include("\n  → cd 'my ingestion'\n")
        folder = join(started, 'my ingestion')
        if (said.includes('Copy .env.example to .env'))
          await copyFile(join(folder, '.env.example'), join(folder, '.env'))
      })

      it('names what the user has to fill in, as long as it is not', async () => {
        const commands = commandsIn(said)
        expect(commands.map((line) => line.split(' ')[0])).to.include.members(['doctor', 'run'])
        for (const line of commands) {
          if (line.startsWith('accounts login') && !terminalIsThere()) continue
          const result = line.startsWith('accounts login')
            ? await onTerminal(line.split(' '), folder, [])
            : await lorchestra(line.split(' '), {cwd: folder})
          const text = 'screen' in result ? result.screen : `${result.stdout}${result.stderr}`
          expect(result.code, line).to.be.oneOf([1, 2])
          // What a login needs is less: another secret may be what it gets.
          const named = line.startsWith('accounts login') ? missed.filter((name) => name.endsWith('CLIENT_ID')) : missed
          for (const name of named) expect(text, line).to.include(name)
        }
      })

      it('works when it is filled in', async () => {
        const {values, lines, env = {}, close} = await fill(folder)
        try {
          const example = await readFile(join(folder, '.env.example'), 'utf8')
          const filled = example.replaceAll(/^(?:# )?([A-Z0-9_]+)=$/gm, (line, name: string) =>
            values[name] === undefined ? line : `${name}=${values[name]}`,
          )
          expect(Object.values(values).filter((value) => !filled.includes(value))).to.deep.equal([])
          await writeFile(join(folder, '.env'), filled)
          let yaml = await readFile(join(folder, 'lorchestra.yaml'), 'utf8')
          // A token of one's own instead of a login.
          yaml = yaml.replaceAll(/^( +)# (\w+: \$\{\w+\}) # left out: what `lorchestra accounts login/gm, '$1$2 # ')
          for (const [written, local] of lines) {
            expect(yaml).to.include(written)
            yaml = yaml.replace(written, local)
          }
          await writeFile(join(folder, 'lorchestra.yaml'), yaml)
          const commands = commandsIn(said).filter((line) => !line.startsWith('accounts login'))
          const results: CliResult[] = []
          for (const line of commands) {
            const result = await lorchestra(line.split(' '), {cwd: folder, env})
            expect(result.code, `${line}: ${result.stdout}${result.stderr}`).to.equal(0)
            results.push(result)
          }
          expect(results.at(-1)?.stdout).to.match(/\[DRY-RUN\] \w+: [1-9]\d* extracted/)
        } finally {
          await close()
        }
      })
    })
  }
})
