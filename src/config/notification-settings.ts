import * as z from 'zod'

/** Whom a failed or degraded production run is told to. */
export const notificationsSchema = z
  .strictObject({
    webhook: z.string().min(1).optional(),
    command: z.array(z.string()).min(1, 'expected a program and its arguments').optional(),
  })
  .refine(
    ({webhook, command}) => webhook !== undefined || command !== undefined,
    'expected a webhook, a command, or both',
  )

export type NotificationSettings = z.infer<typeof notificationsSchema>
