import {z} from 'zod'

const secret = z.string().trim().min(1)
const address = z.url({protocol: /^https?$/, error: 'must be an https address'})
const form = z
  .record(z.string(), z.string())
  .default({})
  .describe('More fields of the form that is sent to token_url, an audience say')
const scope = z.string().trim().min(1).optional().describe('Scopes, separated by spaces')

const none = z.strictObject({type: z.literal('none')})

const bearer = z.strictObject({
  type: z.literal('bearer'),
  token: secret.describe('Token that is sent with each request'),
  scheme: z
    .string()
    .regex(/^[\w-]+$/, 'must be one word')
    .default('Bearer')
    .describe('Word before the token in the Authorization header'),
})

const apiKey = z.strictObject({
  type: z.literal('api_key'),
  in: z.enum(['header', 'query']).default('header').describe('Where the key is sent'),
  name: z
    .string()
    .regex(/^[\w.$-]+$/, 'must be the name of a header or parameter')
    .describe('Name of the header or parameter'),
  key: secret.describe('The key itself'),
})

const basic = z.strictObject({
  type: z.literal('basic'),
  user: z.string().describe('User name; some services want the key here'),
  password: z.string().default('').describe('Password'),
})

const clientAuthentication = z
  .enum(['body', 'basic'])
  .default('body')
  .describe('How client_id and client_secret are sent to token_url; basic only where it is on the host of base_url')

const clientCredentials = z.strictObject({
  type: z.literal('oauth2_client_credentials'),
  token_url: address.describe('Address that gives access tokens'),
  client_id: z.string().trim().min(1).describe('Name of the client'),
  client_secret: secret.describe('Secret of the client'),
  client_auth: clientAuthentication,
  scope,
  form,
})

const refreshToken = z.strictObject({
  type: z.literal('oauth2_refresh_token'),
  token_url: address.describe('Address that gives access tokens'),
  client_id: z.string().trim().min(1).describe('Name of the client'),
  client_secret: secret.optional().describe('Secret of the client, if it has one'),
  client_auth: clientAuthentication,
  refresh_token: secret.optional().describe('Left out: the one of `lorchestra accounts login`'),
  authorization_url: address.optional().describe('Address where a person signs in, for `lorchestra accounts login`'),
  authorization_params: z
    .record(z.string(), z.string())
    .default({})
    .describe('More parameters of authorization_url, access_type: offline say'),
  redirect_port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe('Port of http://127.0.0.1 where the browser comes back, for services that want it registered'),
  scope,
  form,
})

export const auth = z.discriminatedUnion(
  'type',
  [none, bearer, apiKey, basic, clientCredentials, refreshToken],
  'needs a type: none, bearer, api_key, basic, oauth2_client_credentials or oauth2_refresh_token',
)

export type Auth = z.output<typeof auth>
export type OAuth = Extract<Auth, {readonly token_url: string}>
export type PersonalAuth = Extract<Auth, {readonly type: 'oauth2_refresh_token'}>
