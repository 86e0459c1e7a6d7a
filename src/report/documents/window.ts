import * as z from 'zod'

import {instant} from './instant.ts'

export const windowMember = z
  .strictObject({
    since: instant.nullable().describe('Its first instant; null: from the very first record.'),
    until: instant.describe('The first instant after it.'),
  })
  .meta({id: 'window', description: 'A span of time, half open: since <= t < until.'})
