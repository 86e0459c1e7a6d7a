import {createEmulator} from 'emulate'

import type {MailboxMessage} from './mailbox.ts'

/** A Gmail API on loopback, with one mailbox and what a user needs to read it. Nothing in it is a real secret. */
export interface GmailServer {
  readonly url: string
  readonly apiUrl: string
  readonly tokenUrl: string
  readonly authorizationUrl: string
  /** What `${…}` in lorchestra.yaml refers to. */
  readonly env: Readonly<Record<string, string>>
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string
  /** The account's entry below `accounts:` of lorchestra.yaml. */
  readonly accountYaml: string
  /** The server chooses the id and returns it. */
  add(message: MailboxMessage): Promise<string>
  /** For good, not into the trash. */
  remove(id: string): Promise<void>
  relabel(id: string, labels: {readonly add?: readonly string[]; readonly remove?: readonly string[]}): Promise<void>
  close(): Promise<void>
}

export interface GmailServerOptions {
  readonly owner?: string
  readonly account?: string
  /** 0: any that is free. */
  readonly port?: number
}

export async function startGmailServer(
  messages: readonly MailboxMessage[],
  {owner = 'ada@example.com', account = 'acct1', port = 0}: GmailServerOptions = {},
): Promise<GmailServer> {
  const client = {
    client_id: 'local.apps.googleusercontent.com',
    client_secret: 'local-client-secret',
    name: 'lorchestra',
    redirect_uris: ['http://127.0.0.1/signed-in'],
  }
  const emulator = await createEmulator({
    service: 'google',
    port,
    hostname: '127.0.0.1',
    seed: {
      google: {
        users: [{email: owner}],
        oauth_clients: [client],
        messages: messages.map((message) => ({...seeded(message), user_email: owner})),
      },
    },
  })
  const url = `http://127.0.0.1:${new URL(emulator.url).port}`
  const tokenUrl = `${url}/oauth2/token`
  const authorizationUrl = `${url}/o/oauth2/v2/auth`
  const call = async (method: string, path: string, body?: object): Promise<string> => {
    const headers = {authorization: 'Bearer local', 'content-type': 'application/json'}
    const answer = await fetch(`${url}/gmail/v1/users/me/${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.text()
  }
  try {
    const refreshToken = await signIn(url, owner, client)
    const prefix = `GMAIL_${account.toUpperCase().replaceAll('-', '_')}`
    return {
      url,
      apiUrl: url,
      tokenUrl,
      authorizationUrl,
      clientId: client.client_id,
      clientSecret: client.client_secret,
      refreshToken,
      env: {
        [`${prefix}_CLIENT_ID`]: client.client_id,
        [`${prefix}_CLIENT_SECRET`]: client.client_secret,
        [`${prefix}_REFRESH_TOKEN`]: refreshToken,
      },
      accountYaml: [
        `  ${account}:`,
        '    source: gmail',
        `    client_id: \${${prefix}_CLIENT_ID}`,
        `    client_secret: \${${prefix}_CLIENT_SECRET}`,
        `    refresh_token: \${${prefix}_REFRESH_TOKEN}`,
        `    api_url: ${url}`,
        `    authorization_url: ${authorizationUrl}`,
        `    token_url: ${tokenUrl}`,
        '',
      ].join('\n'),
      add: async ({raw, threadId, labels, received}) => {
        const inserted = {
          raw: raw.toString('base64url'),
          threadId,
          labelIds: labels,
          internalDate: String(received.getTime()),
        }
        return (JSON.parse(await call('POST', 'messages', inserted)) as {readonly id: string}).id
      },
      remove: async (id) => {
        await call('DELETE', `messages/${id}`)
      },
      relabel: async (id, {add: addLabelIds = [], remove: removeLabelIds = []}) => {
        await call('POST', `messages/${id}/modify`, {addLabelIds, removeLabelIds})
      },
      close: async () => {
        await emulator.close()
      },
    }
  } catch (error) {
    await emulator.close()
    throw error
  }
}

const seeded = ({id, threadId, received, labels, raw}: MailboxMessage): object => ({
  id,
  thread_id: threadId,
  raw: raw.toString('base64url'),
  label_ids: labels,
  internal_date: String(received.getTime()),
})

/** What a browser does when a person allows the app: a code, and for it a refresh token. */
async function signIn(
  url: string,
  email: string,
  client: {readonly client_id: string; readonly client_secret: string; readonly redirect_uris: readonly string[]},
): Promise<string> {
  const {client_id, client_secret} = client
  const redirect_uri = client.redirect_uris[0] ?? ''
  const scope = 'https://www.googleapis.com/auth/gmail.readonly'
  const allowed = await fetch(`${url}/o/oauth2/v2/auth/callback`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({email, redirect_uri, scope, state: 'sign-in', client_id}),
  })
  const code = new URL(allowed.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const answer = await fetch(`${url}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({grant_type: 'authorization_code', code, redirect_uri, client_id, client_secret}),
  })
  const {refresh_token: token} = (await answer.json()) as {readonly refresh_token?: string}
  if (token === undefined) throw new Error(`the local Gmail server gave no refresh token: ${answer.status}`)
  return token
}
