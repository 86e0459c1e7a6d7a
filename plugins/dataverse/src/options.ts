import {z} from 'zod'

const column = z.string().regex(/^[A-Za-z_]\w*$/, 'is not the name of a column')
const query = z.string().trim().min(1)

export const options = z
  .strictObject({
    url: z
      .url({protocol: /^https?$/, error: 'must be an https address', abort: true})
      .refine(isOrigin, 'must be the address of the environment alone, such as https://org.crm.dynamics.com')
      .meta({description: 'Address of the environment', examples: ['https://org.crm.dynamics.com']}),
    tenant_id: z
      .string()
      .regex(/^[\w.-]+$/, 'is neither the id nor the domain of a tenant')
      .meta({description: 'Id or domain of the tenant in Entra', examples: ['contoso.onmicrosoft.com']}),
    client_id: z
      .string()
      .trim()
      .min(1)
      .meta({
        description: 'Application (client) id of the app registration in Entra',
        examples: ['${DATAVERSE_ACCT1_CLIENT_ID}'],
      }),
    client_secret: z
      .string()
      .trim()
      .min(1)
      .optional()
      .meta({
        description: 'A client secret of that app. Left out: a person signs in',
        examples: ['${DATAVERSE_ACCT1_CLIENT_SECRET}'],
      }),
    authority: z
      .url({protocol: /^https$/, error: 'must be an https address', abort: true})
      .refine(isOrigin, 'must be an address without a path')
      .default('https://login.microsoftonline.com')
      .describe('Address of Entra'),
    token_cache: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: "A person's token cache that MSAL wrote in any language; read to begin with, never written",
        examples: ['token_cache.json'],
      }),
    entity: z
      .string()
      .regex(/^[a-z][a-z0-9_]*$/, 'must be the logical name of a table, in lower case, such as contact')
      .meta({description: 'Logical name of the table', examples: ['contact']}),
    entity_set: column
      .optional()
      .meta({description: 'Name of the table in addresses. Left out: asked of the server', examples: ['contacts']}),
    primary_key: column
      .optional()
      .meta({description: 'Column that holds the id. Left out: asked of the server', examples: ['contactid']}),
    object_type: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be 1 to 63 of a-z, 0-9, _ and -')
      .optional()
      .meta({description: 'What the keys begin with; the entity where left out', examples: ['contact']}),
    select: z
      .array(column)
      .min(1)
      .optional()
      .meta({description: 'Only these columns', examples: [['fullname', 'emailaddress1']]}),
    filter: query
      .refine(isClosed, 'has a quote or a bracket that is not closed')
      .optional()
      .meta({description: 'OData $filter', examples: ['statecode eq 0']}),
    expand: query.optional().meta({description: 'OData $expand', examples: ['parentcustomerid_account($select=name)']}),
    page_size: z.int().min(1).max(5000).default(1000).describe('Rows that are asked for at once'),
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
