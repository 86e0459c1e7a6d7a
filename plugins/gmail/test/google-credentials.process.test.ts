import {createVerify, generateKeyPairSync} from 'node:crypto'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {homeOfTest, lorchestra, temporaryFolder, type CliResult} from '../../../test/support/cli.ts'
import {passTo, startFaultProxy, type FaultProxy} from '../../../test/support/fault-proxy.ts'
import {startGmailServer, type GmailServer} from '../../../test/support/gmail-server.ts'
import {mailbox} from '../../../test/support/mailbox.ts'

const {publicKey, privateKey} = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: {type: 'spki', format: 'pem'},
  privateKeyEncoding: {type: 'pkcs8', format: 'pem'},
})
const KEY = {type: 'service_account', client_email: 'robot@project.iam.gserviceaccount.com', private_key: privateKey}

describe('Gmail by Google’s own credentials', () => {
  let server: GmailServer
  let proxy: FaultProxy
  let folder: string
  let forms: Record<string, string>[]

  before(async () => {
    server = await startGmailServer(mailbox(5, {now: new Date('2026-03-01T12:00:00Z')}))
  })
  after(async () => {
    await server.close()
  })
  beforeEach(async () => {
    proxy = await startFaultProxy()
    folder = await temporaryFolder()
    forms = []
  })
  afterEach(async () => {
    await proxy.close()
  })

  /** A stub of ours: the local Gmail server knows neither grant by a signed assertion. */
  const answerTokenCalls = async (statusCode: number, json: object): Promise<void> => {
    await proxy.rules.forPost('/oauth2/token').thenCallback(async ({body}) => {
      forms.push(Object.fromEntries(new URLSearchParams(await body.getText())))
      return {statusCode, json}
    })
    await proxy.rules.forUnmatchedRequest().thenCallback(passTo(server.url))
  }
  const run = async (auth: string, env: Readonly<Record<string, string>> = {}): Promise<CliResult> => {
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      `accounts:
  acct1:
    source: gmail
${auth}
    api_url: ${proxy.url}
    token_url: ${proxy.url}/oauth2/token
jobs:
  mail: {account: acct1}
`,
    )
    return lorchestra(['run', 'mail', '--dry-run', '--log-level', 'debug'], {
      cwd: folder,
      home: await homeOfTest(),
      env: {METADATA_SERVER_DETECTION: 'none', ...env},
    })
  }
  const SERVICE_ACCOUNT = '    auth: service_account\n    service_account_file: key.json\n    subject: ada@example.com'

  it('reads the mailbox of subject with the key of a service account', async () => {
    await writeFile(join(folder, 'key.json'), JSON.stringify(KEY))
    await answerTokenCalls(200, {access_token: 'token', expires_in: 3600})
    const {code, stdout, stderr} = await run(SERVICE_ACCOUNT)
    expect(code, stderr).to.equal(0)
    expect(stdout).to.match(/ [1-9]\d* extracted/)
    expect(forms).to.have.length(1)
    expect(forms[0]?.['grant_type']).to.equal('urn:ietf:params:oauth:grant-type:jwt-bearer')
    const [head, claims, signature] = (forms[0]?.['assertion'] ?? '').split('.') as [string, string, string]
    expect(createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')).to.equal(
      true,
    )
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).to.include({
      iss: KEY.client_email,
      sub: 'ada@example.com',
      scope: 'https://www.googleapis.com/auth/gmail.readonly',
    })
    expect(stdout + stderr)
      .not.to.contain('PRIVATE KEY')
      .and.not.to.contain(signature)
  })

  for (const [error, cure] of [
    ['unauthorized_client', 'Domain-wide delegation'],
    ['invalid_grant', 'subject is no user of the Workspace domain'],
  ] as const) {
    it(`says what to do about ${error}`, async () => {
      await writeFile(join(folder, 'key.json'), JSON.stringify(KEY))
      await answerTokenCalls(error === 'invalid_grant' ? 400 : 401, {error, error_description: 'Said by Google.'})
      const {code, stderr} = await run(SERVICE_ACCOUNT)
      expect(code).to.equal(1)
      expect(stderr).to.contain(`${error}: Said by Google.`).and.to.contain(cure).and.not.to.contain('PRIVATE KEY')
      expect(forms, 'such a refusal is not tried again').to.have.length(1)
    })
  }

  it('gets over a passing fault of the token endpoint', async () => {
    await writeFile(join(folder, 'key.json'), JSON.stringify(KEY))
    await proxy.rules.forPost('/oauth2/token').once().thenReply(503)
    await answerTokenCalls(200, {access_token: 'token', expires_in: 3600})
    expect((await run(SERVICE_ACCOUNT)).code).to.equal(0)
  })

  for (const content of ['{', '{"type": "authorized_user"}', 'null', undefined]) {
    it(`refuses the key file ${content ?? 'that is not there'}`, async () => {
      if (content !== undefined) await writeFile(join(folder, 'key.json'), content)
      const {code, stderr} = await run(SERVICE_ACCOUNT)
      expect(code).to.equal(1)
      expect(stderr).to.contain(content === undefined ? 'cannot be read' : 'is not the JSON key of a service account')
      expect(proxy.requests).to.deep.equal([])
    })
  }

  it('uses application default credentials of a person', async () => {
    const credentials = join(folder, 'adc.json')
    const person = {type: 'authorized_user', client_id: 'id', client_secret: 'adc-secret', refresh_token: 'adc-token'}
    await writeFile(credentials, JSON.stringify(person))
    await answerTokenCalls(200, {access_token: 'token', expires_in: 3600})
    const {code, stdout, stderr} = await run('    auth: application_default', {
      GOOGLE_APPLICATION_CREDENTIALS: credentials,
    })
    expect(code, stderr).to.equal(0)
    expect(forms).to.have.length(1)
    expect(forms[0]).to.include({grant_type: 'refresh_token', refresh_token: 'adc-token'})
    expect(stdout + stderr)
      .not.to.contain('adc-secret')
      .and.not.to.contain('adc-token')
  })

  it('uses application default credentials of a service account, for subject', async () => {
    const credentials = join(folder, 'adc.json')
    await writeFile(credentials, JSON.stringify(KEY))
    await answerTokenCalls(200, {access_token: 'token', expires_in: 3600})
    const {code, stderr} = await run('    auth: application_default\n    subject: ada@example.com', {
      GOOGLE_APPLICATION_CREDENTIALS: credentials,
    })
    expect(code, stderr).to.equal(0)
    const [, claims] = (forms[0]?.['assertion'] ?? '').split('.') as [string, string]
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).to.include({sub: 'ada@example.com'})
  })

  it('says how to get application default credentials where there are none', async () => {
    const {code, stderr} = await run('    auth: application_default')
    expect(code).to.equal(1)
    expect(stderr).to.contain('gcloud auth application-default login').and.to.contain('GOOGLE_APPLICATION_CREDENTIALS')
    expect(proxy.requests).to.deep.equal([])
  })

  for (const [reason, message, cure] of [
    ['failedPrecondition', 'Precondition check failed.', 'Set subject'],
    ['forbidden', 'Delegation denied for robot@example.com', 'subject must be the user'],
    ['insufficientPermissions', 'Insufficient Permission', 'gmail.readonly'],
  ] as const) {
    it(`says what to do when Gmail answers ${reason}`, async () => {
      await writeFile(join(folder, 'key.json'), JSON.stringify(KEY))
      await proxy.rules.forGet(/gmail/).thenJson(reason === 'failedPrecondition' ? 400 : 403, {
        error: {code: 403, message, errors: [{reason, message}]},
      })
      await answerTokenCalls(200, {access_token: 'token', expires_in: 3600})
      const {code, stderr} = await run(SERVICE_ACCOUNT)
      expect(code).to.equal(1)
      expect(stderr).to.contain(cure)
    })
  }

  it('needs no login, and says so', async () => {
    await writeFile(join(folder, 'key.json'), JSON.stringify(KEY))
    await answerTokenCalls(200, {access_token: 'token', expires_in: 3600})
    await run(SERVICE_ACCOUNT)
    const {code, stderr} = await lorchestra(['accounts', 'login', 'acct1', '--no-browser'], {cwd: folder})
    expect(code).to.equal(1)
    expect(stderr).to.contain('auth: service_account needs no login')
  })

  it('keeps a refresh token that Google exchanged in a dry run, too', async () => {
    await answerTokenCalls(200, {access_token: 'token', expires_in: 3600, refresh_token: 'exchanged-token'})
    const auth = '    client_id: id\n    client_secret: secret\n    refresh_token: "${TOKEN}"'
    const env = {TOKEN: 'first-token'}
    expect((await run(auth, env)).code).to.equal(0)
    const {code, stdout, stderr} = await run(auth, env)
    expect(code).to.equal(0)
    expect(forms.map((form) => form['refresh_token'])).to.deep.equal(['first-token', 'exchanged-token'])
    expect(stdout + stderr).not.to.match(/(first|exchanged)-token/)
  })
})
