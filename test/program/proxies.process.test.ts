import {generateKeyPairSync} from 'node:crypto'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'
import {generateCACertificate} from 'mockttp'

import {lorchestra, temporaryFolder} from '../support/cli.ts'
import {startConnectProxy, type ConnectProxy} from '../support/connect-proxy.ts'
import {createProject, homeWith, type Project} from '../support/external-source.ts'
import {startFaultProxy, type FaultProxy} from '../support/fault-proxy.ts'

/** Reads what one address answers, by the client of the host or by Node's own. */
const SOURCE = `
import {getDefaultAutoSelectFamilyAttemptTimeout} from 'node:net'

const validate = (value) => ({value})
export default {
  apiVersion: 1,
  name: 'remote',
  summary: 'one address',
  options: {'~standard': {version: 1, vendor: 'remote', validate}},
  streams: () => [{objectType: 'thing', windowed: false}],
  idemKey: ({id}, {sourceSystem}) => \`thing:\${sourceSystem}:\${id}\`,
  async *extract({options, http, log}) {
    log.warn(\`an address has \${getDefaultAutoSelectFamilyAttemptTimeout()} ms\`)
    const ask = options.by === 'fetch'
      ? async () => ({body: await (await fetch(options.url)).json()})
      : async () => http.request({url: options.url})
    const {body} = await ask()
    yield {records: [body]}
  },
}
`

describe('behind a proxy', () => {
  let home = ''
  let server: FaultProxy
  let proxy: ConnectProxy
  let trusted: Readonly<Record<string, string>>
  before(async () => {
    home = await homeWith({name: 'remote', files: {'source.js': SOURCE}})
    const authority = await generateCACertificate({subject: {commonName: 'authority of a proxy test'}})
    server = await startFaultProxy({https: authority})
    const certificate = join(await temporaryFolder(), 'authority.pem')
    await writeFile(certificate, authority.cert)
    trusted = {NODE_EXTRA_CA_CERTS: certificate}
    proxy = await startConnectProxy(server.rules.port)
  })
  after(async () => {
    proxy.close()
    await server.close()
  })

  const projectWith = async (url: string, more = ''): Promise<Project> =>
    createProject({home, yaml: `jobs:\n  things:\n    source: remote\n    url: ${url}\n${more}`})

  for (const by of ['http', 'fetch'])
    it(`a source reaches a host that only the proxy knows, with an authority of one's own (${by})`, async () => {
      await server.rules.forGet('/thing').thenJson(200, {id: 'a'})
      const project = await projectWith('https://api.invalid/thing', `    by: ${by}\n`)
      const env = {...trusted, https_proxy: `me:pass%20word@${proxy.address}`}
      const {code, stdout, stderr} = await project.run(['run', 'things', '--dry-run'], env)
      expect(stderr).to.contain('an address has 2500 ms')
      expect(stdout).to.contain('1 extracted')
      expect(code).to.equal(0)
      expect(proxy.asked).to.include(`api.invalid:443 Basic ${btoa('me:pass word')}`)
    })

  it('a source waits longer for an address where Node is told to, by an option that its box gets as well', async () => {
    await server.rules.forGet('/thing').thenJson(200, {id: 'a'})
    const project = await projectWith('https://api.invalid/thing')
    const env = {...trusted, https_proxy: proxy.address}
    const patient = {...env, NODE_OPTIONS: '--network-family-autoselection-attempt-timeout=6000'}
    const {code, stderr} = await project.run(['run', 'things', '--dry-run'], patient)
    expect(stderr).to.contain('an address has 6000 ms')
    expect(code).to.equal(0)
  })

  it('a webhook is told of a run', async () => {
    await server.rules.forPost('/hook').thenReply(204)
    await server.rules.forGet('/missing').thenJson(404, {})
    const more = 'notifications:\n  webhook: https://hooks.invalid/hook\n'
    const project = await projectWith('https://api.invalid/missing', more)
    const {stderr} = await project.run(['run', 'things'], {...trusted, HTTPS_PROXY: proxy.address})
    expect(stderr).not.to.contain('webhook')
    expect(server.requests).to.include('POST /hook')
  })

  it('BigQuery and its tokens are asked for through it, also where it has no scheme', async () => {
    const folder = await temporaryFolder()
    const {privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048})
    const key = {
      type: 'service_account',
      client_email: 'someone@project.example',
      private_key: privateKey.export({type: 'pkcs8', format: 'pem'}),
    }
    await writeFile(join(folder, 'key.json'), JSON.stringify(key))
    await writeFile(join(folder, 'lorchestra.yaml'), 'warehouse: {type: bigquery, project: p, dataset: d}\n')
    await server.rules.forPost('/token').thenJson(200, {access_token: 'local', expires_in: 3600, token_type: 'Bearer'})
    const refusal = {error: {code: 404, errors: [{reason: 'notFound', message: 'Not found: Dataset p:d'}]}}
    await server.rules.forGet(/\/bigquery\/v2\//).thenJson(404, refusal)
    const env = {...trusted, HTTPS_PROXY: proxy.address, GOOGLE_APPLICATION_CREDENTIALS: 'key.json'}
    const {stderr} = await lorchestra(['warehouse', 'show'], {cwd: folder, env})
    expect(stderr).to.contain('there is no dataset p.d')
    expect(proxy.asked).to.include.members(['oauth2.googleapis.com:443', 'bigquery.googleapis.com:443'])
  })

  it('one that refuses is named, without its password', async () => {
    const guarded = await startConnectProxy(0, 407)
    try {
      const project = await projectWith('https://api.invalid/thing')
      const HTTPS_PROXY = `http://me:secretword@${guarded.address}`
      const {code, stderr} = await project.run(['run', 'things', '--dry-run'], {HTTPS_PROXY})
      expect(stderr).to.contain(`the proxy refused with 407, through the proxy http://${guarded.address}`)
      expect(stderr).to.contain('a user and a password').and.not.to.contain('secretword')
      expect(code).to.equal(1)
    } finally {
      guarded.close()
    }
  })

  it('an address that is none is an error of the configuration', async () => {
    const project = await projectWith('https://api.invalid/thing')
    const {code, stderr} = await project.run(['run', 'things', '--dry-run'], {HTTPS_PROXY: 'http://:3128'})
    expect(stderr).to.match(/^Error: HTTPS_PROXY is not the address of a proxy /)
    expect(code).to.equal(2)
  })

  it('this machine is asked without it', async () => {
    const project = await projectWith(`${server.url}/thing`)
    await server.rules.forGet('/thing').thenJson(200, {id: 'a'})
    const before = proxy.asked.length
    const env = {...trusted, HTTPS_PROXY: proxy.address, HTTP_PROXY: proxy.address}
    const {code, stderr} = await project.run(['run', 'things', '--dry-run'], env)
    expect(code, stderr).to.equal(0)
    expect(proxy.asked).to.have.length(before)
  })
})
