import {z} from 'zod'

const column = z.string().regex(/^[A-Za-z_]\w*$/, 'is not the name of a column')
const query = z.string().trim().min(1)

export const options = z
  .strictObject({
    url: z
      .url({protocol: /^https?$/, error: 'must be an https address', abort: true})
      .refine(isOrigin, 'must be the address of the environment alone, such as https://org.crm.dynamics.com'),
    tenant_id: z.string().regex(/^[\w.-]+$/, 'is neither the id nor the domain of a tenant'),
    client_id: z.string().trim().min(1),
    client_secret: z.string().trim().min(1).optional().describe('Left out: a person signs in'),
    authority: z
      .url({protocol: /^https$/, error: 'must be an https address', abort: true})
      .refine(isOrigin, 'must be an address without a path')
      .default('https://login.microsoftonline.com'),
    token_cache: z
      .string()
      .min(1)
      .optional()
      .describe("A person's token cache that MSAL wrote in any language; read to begin with, never written"),
    entity: z
      .string()
      .regex(/^[a-z][a-z0-9_]*$/, 'must be the logical name of a table, in lower case, such as contact')
      .describe('Logical name of the table'),
    entity_set: column.optional().describe('Asked of the server where left out, as is primary_key'),
    primary_key: column.optional(),
    object_type: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9, _ and -')
      .optional()
      .describe('What the keys begin with; the entity where left out'),
    select: z.array(column).min(1).optional().describe('Only these columns'),
    filter: query.refine(isClosed, 'has a quote or a bracket that is not closed').optional().describe('OData $filter'),
    expand: query.optional().describe('OData $expand'),
    page_size: z.int().min(1).max(5000).default(1000),
    annotations: z.enum(['none', 'formatted', 'all']).default('none').describe('What the server adds to the columns'),
    cursor_field: column.default('modifiedon').describe('Time that changes whenever the row does'),
    full: z.boolean().default(false).describe('Read every row in every run, for tables without such a time'),
    track_changes: z.boolean().default(false).describe("Read by Dataverse's change tracking, which tells of deletions"),
  })
  .superRefine(({track_changes, filter, expand}, issues) => {
    const refused = [filter !== undefined && 'filter', expand !== undefined && 'expand'].filter(
      (name) => name !== false,
    )
    if (track_changes)
      for (const name of refused)
        issues.addIssue({
          code: 'custom',
          path: [name],
          message: 'cannot be used with track_changes: Dataverse refuses it',
        })
  })

export type Options = z.output<typeof options>

export const objectTypeOf = ({object_type, entity}: Options): string => object_type ?? entity

function isOrigin(address: string): boolean {
  return URL.canParse(address) && new URL(address).href === `${new URL(address).origin}/`
}

/** An open bracket or quote would swallow the window that is added to the filter; a closed one too many would end it. */
function isClosed(filter: string): boolean {
  let open = 0
  for (const character of filter.replaceAll(/'[^']*'/g, '').match(/[()']/g) ?? []) {
    open += character === '(' ? 1 : -1
    if (open < 0 || character === "'") return false
  }
  return open === 0
}
