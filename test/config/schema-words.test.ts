import {expect} from 'chai'
import * as z from 'zod'

import {inPlainWords} from '../../src/config/schema-words.ts'

const found = (schema: z.ZodType, value: unknown): string => schema.safeParse(value).error?.issues[0]?.message ?? ''

describe('what is wrong with a value', () => {
  for (const [schema, value, words] of [
    [z.string(), 5, 'expected text, not a number'],
    [z.number(), 'x', 'expected a number, not text'],
    [z.int(), 1.5, 'expected a whole number, not a number'],
    [z.boolean(), 'maybe', 'expected true or false, not text'],
    [z.array(z.string()), 'x', 'expected a list, not text'],
    [z.strictObject({}), null, 'expected keys with values, not nothing'],
    [z.record(z.string(), z.string()), [], 'expected keys with values, not a list'],
    [z.enum(['full', 'raw']), 'fat', 'expected full or raw'],
    [z.literal('one'), 'two', 'expected one'],
    [
      z.discriminatedUnion('type', [z.object({type: z.literal('a')}), z.object({type: z.literal('b')})]),
      {},
      'expected a or b',
    ],
    [z.number().min(1), 0, 'expected a number that is at least 1'],
    [z.number().positive(), 0, 'expected a number that is more than 0'],
    [z.number().max(5000), 6000, 'expected a number that is at most 5000'],
    [z.array(z.string()).min(1), [], 'expected at least 1 item'],
    [z.string().max(3), 'long', 'expected at most 3 characters'],
    [z.url(), 'x', 'expected an address, such as https://example.com'],
    [z.email(), 'x', 'this is no email address'],
    [z.string().startsWith('https://'), 'x', 'must start with "https://"'],
    [z.union([z.string(), z.number()]), null, 'cannot be this'],
    [z.string().regex(/a/, 'a name has an a'), 'b', 'a name has an a'],
  ] as const) {
    it(`is said without words of the validator: ${words}`, () => {
      expect(inPlainWords(found(schema, value))).to.equal(words)
    })
  }
})
