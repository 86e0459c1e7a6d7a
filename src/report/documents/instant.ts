import * as z from 'zod'

export const instant = z.iso
  .datetime({precision: 3})
  .meta({id: 'instant', description: 'An instant: ISO 8601 in UTC, to the millisecond.'})
