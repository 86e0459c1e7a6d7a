import {z} from 'zod'

const credential = () => z.string().trim().min(1).optional()

/** Gmail takes messages of 50 MB, which base64 makes a third longer. */
const LARGEST_MESSAGE = 70_000_000

const CREDENTIAL_NAMES = ['client_id', 'client_secret', 'refresh_token', 'service_account_file', 'subject'] as const
type CredentialName = (typeof CREDENTIAL_NAMES)[number]

const CREDENTIALS: Readonly<
  Record<
    'refresh_token' | 'service_account' | 'application_default',
    {readonly needs: readonly CredentialName[]; readonly takes: readonly CredentialName[]}
  >
> = {
  refresh_token: {needs: ['client_id', 'client_secret'], takes: ['refresh_token']},
  service_account: {needs: ['service_account_file', 'subject'], takes: []},
  application_default: {needs: [], takes: ['subject']},
}

export const options = z
  .strictObject({
    auth: z
      .enum(['refresh_token', 'service_account', 'application_default'])
      .default('refresh_token')
      .describe(
        "How runs get in: a person's refresh token, the key of a service account, or Google's default credentials",
      ),
    client_id: credential().meta({
      description: 'OAuth client of the type Desktop app',
      examples: ['${GMAIL_ACCT1_CLIENT_ID}'],
    }),
    client_secret: credential().meta({
      description: 'The secret of that client',
      examples: ['${GMAIL_ACCT1_CLIENT_SECRET}'],
    }),
    refresh_token: credential().meta({
      description: "A person's refresh token. Left out: the one of `lorchestra accounts login`",
      examples: ['${GMAIL_ACCT1_REFRESH_TOKEN}'],
    }),
    service_account_file: credential().meta({
      description: 'JSON key of a service account with domain-wide delegation',
      examples: ['keys/mail-reader.json'],
    }),
    subject: credential().meta({
      description: 'The user whose mailbox a service account reads',
      examples: ['ada@example.com'],
    }),
    query: z
      .string()
      .trim()
      .default('')
      .refine(isClosed, 'has a quote or a bracket that is not closed')
      .meta({description: 'Only messages that this Gmail search finds', examples: ['label:clients -in:chats']}),
    include_spam_trash: z.boolean().default(false).describe('Messages in spam and trash too'),
    labels: z
      .array(z.string().trim().min(1))
      .min(1)
      .optional()
      .meta({description: 'Only messages that carry all of these labels', examples: [['INBOX', 'Clients']]}),
    sync: z
      .enum(['window', 'history'])
      .default('window')
      .describe(
        'window: new messages; history: deletions and label changes too, for the whole mailbox (without query and labels)',
      ),
    format: z
      .enum(['full', 'metadata', 'raw'])
      .default('full')
      .describe(
        'full: parsed parts, large attachments left out; metadata: headers alone; raw: every byte. Messages that are stored keep theirs without --full --refetch',
      ),
    max_message_bytes: z
      .int()
      .min(1)
      .max(LARGEST_MESSAGE)
      .default(LARGEST_MESSAGE)
      .describe('A message that is larger as JSON is a reject; it is never cut'),
    // Google's limit for projects since May 2026 is 6,000 units per user and minute; older ones have 15,000, and pay 5 a get.
    units_per_minute: z
      .int()
      .min(1)
      .default(4800)
      .describe("How much of the user's quota to use: 80 % of Google's 6,000"),
    units_per_get: z.int().min(1).default(20).describe('What Google charges for messages.get'),
    units_per_history: z.int().min(1).default(2).describe('What Google charges for history.list'),
    units_per_list: z.int().min(1).default(5).describe('What Google charges for messages.list'),
    concurrency: z.int().min(1).max(10).default(4).describe('How many messages are fetched at once'),
    api_url: z
      .url({protocol: /^https?$/})
      .default('https://gmail.googleapis.com')
      .describe('Address of the Gmail API'),
    authorization_url: z
      .url({protocol: /^https?$/})
      .default('https://accounts.google.com/o/oauth2/v2/auth')
      .describe('Address where a person signs in'),
    token_url: z
      .url({protocol: /^https?$/})
      .default('https://oauth2.googleapis.com/token')
      .describe('Address that gives access tokens'),
  })
  .superRefine((given, context) => {
    const {needs, takes} = CREDENTIALS[given.auth]
    for (const name of needs)
      if (given[name] === undefined)
        context.addIssue({code: 'custom', path: [name], message: `auth: ${given.auth} needs it`})
    for (const name of CREDENTIAL_NAMES)
      if (given[name] !== undefined && ![...needs, ...takes].includes(name))
        context.addIssue({code: 'custom', path: [name], message: `auth: ${given.auth} does not use it; leave it out`})
  })
  .superRefine(({sync, query, labels}, context) => {
    // The history names no more than ids: what a query would find among them cannot be told.
    for (const [name, value] of Object.entries({query, labels}))
      if (sync === 'history' && value !== undefined && value.length > 0)
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'sync: history follows the whole mailbox; leave it out',
        })
  })

export type Options = z.output<typeof options>

/** An open quote or bracket would swallow the dates that are added to the query, and find nothing. */
function isClosed(query: string): boolean {
  const unquoted = query.replaceAll(/"[^"]*"/g, '')
  let open = ''
  for (const character of unquoted.match(/[(){}"]/g) ?? []) {
    if (character === '(' || character === '{') open += character
    else if (open.endsWith(character === ')' ? '(' : '{') && character !== '"') open = open.slice(0, -1)
    else return false
  }
  return open === ''
}
