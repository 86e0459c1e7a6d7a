import * as z from 'zod'

/** ISO 8601 in UTC, to the millisecond. */
export const instant = z.iso.datetime({precision: 3})
