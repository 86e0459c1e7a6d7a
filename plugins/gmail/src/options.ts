import {z} from 'zod'

export const options = z.strictObject({
  client_id: z.string().trim().min(1),
  client_secret: z.string().trim().min(1),
  refresh_token: z.string().trim().min(1),
  query: z
    .string()
    .trim()
    .default('')
    .refine(isClosed, 'has a quote or a bracket that is not closed')
    .describe('Only messages that this Gmail search finds'),
  include_spam_trash: z.boolean().default(false).describe('Messages in spam and trash too'),
  concurrency: z.int().min(1).max(10).default(4).describe('How many messages are fetched at once'),
  api_url: z.url({protocol: /^https?$/}).default('https://gmail.googleapis.com'),
  token_url: z.url({protocol: /^https?$/}).default('https://oauth2.googleapis.com/token'),
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
