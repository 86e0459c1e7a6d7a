import {expect} from 'chai'
import * as z from 'zod'

import {describeOptions} from '../../src/config/described-options.ts'

const described = (schema: z.ZodType) => describeOptions(z.toJSONSchema(schema, {io: 'input'}))

describe('options as their schema tells', () => {
  it('have a type in words, a default, an example and what is said of them', () => {
    const schema = z.strictObject({
      query: z.string().default('').describe('A search'),
      size: z.int(),
      labels: z
        .array(z.string())
        .optional()
        .meta({examples: [['a']]}),
      mode: z.enum(['one', 'two']).optional(),
      url: z.url().optional(),
      when: z.union([z.literal('never'), z.number()]).optional(),
      more: z.record(z.string(), z.string()).optional(),
    })
    expect(described(schema)).to.deep.equal([
      {name: 'query', type: 'text', required: false, isText: true, description: 'A search', default: ''},
      {name: 'size', type: 'whole number', required: true, isText: false},
      {name: 'labels', type: 'list of text', required: false, isText: false, example: ['a']},
      {
        name: 'mode',
        type: 'one | two',
        required: false,
        isText: true,
        values: [{value: 'one'}, {value: 'two'}],
      },
      {name: 'url', type: 'address', required: false, isText: true},
      {name: 'when', type: 'never or number', required: false, isText: false},
      {name: 'more', type: 'keys with values', required: false, isText: false},
    ])
  })

  it('that stand within one of several alternatives are one each', () => {
    const schema = z.strictObject({
      auth: z.discriminatedUnion('type', [
        z.strictObject({type: z.literal('none')}),
        z.strictObject({type: z.literal('bearer'), token: z.string().describe('The token')}),
      ]),
    })
    const options = described(schema)
    expect(options.map(({name, type, required}) => [name, type, required])).to.deep.equal([
      ['auth', 'keys with values', true],
      ['auth.type', 'none | bearer', true],
      ['auth.token', 'text', false],
    ])
  })

  it('are few where a schema refers to itself', () => {
    interface Tree {
      readonly name: string
      readonly inner?: Tree | undefined
    }
    const tree: z.ZodType<Tree> = z.strictObject({
      name: z.string(),
      get inner() {
        return tree.optional()
      },
    })
    expect(described(z.strictObject({tree})).map(({name}) => name)).to.include('tree')
  })

  it('are none where a schema tells none', () => {
    expect(describeOptions(undefined)).to.deep.equal([])
    expect(describeOptions({type: 'object'})).to.deep.equal([])
  })
})
