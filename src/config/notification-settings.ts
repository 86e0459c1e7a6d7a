import * as z from 'zod'

/** The schema takes what tells somebody of production runs: a webhook, a command, or both. */
export const notificationsSchema = z
  .strictObject({
    webhook: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'An address that gets a JSON document; chat services show its member `text`.',
        examples: ['${ALERT_WEBHOOK}'],
      }),
    command: z
      .array(z.string())
      .min(1, 'expected a program and its arguments')
      .optional()
      .meta({
        description: 'A program and its arguments; it gets the same document on its standard input.',
        examples: [['./alert.sh', 'lorchestra']],
      }),
  })
  .refine(
    ({webhook, command}) => webhook !== undefined || command !== undefined,
    'expected a webhook, a command, or both',
  )
  .meta({
    description:
      'Who is told of production runs that failed or are degraded: records rejected for the first time, or nothing read where there usually is something.',
  })

export type NotificationSettings = z.infer<typeof notificationsSchema>
