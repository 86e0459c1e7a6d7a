import * as z from 'zod'

const summary = z.string().nullable().describe('What it does, in one line.')
const description = z.string().nullable().describe('More about it.')
const usage = z.array(z.string()).describe('How it is written.')

const listed = z.strictObject({id: z.string().describe('Its words after the name of the program.'), summary})
const topics = z.array(listed).describe('Groups of commands below it.')
const commands = z.array(listed).describe('Commands below it.')

const argument = z.strictObject({
  name: z.string(),
  description: z.string().nullable(),
  required: z.boolean(),
  multiple: z.boolean().describe('It may be given several times.'),
  default: z.unknown().describe('null: there is none.'),
  options: z.array(z.string()).nullable().describe('What it may be; null: anything.'),
})

const flag = z.strictObject({
  name: z.string().describe('Without its dashes.'),
  char: z.string().nullable().describe('The same as one letter.'),
  description: z.string().nullable(),
  type: z.enum(['boolean', 'option']).describe('An option takes a value.'),
  value: z.string().nullable().describe('What the usage calls its value.'),
  options: z.array(z.string()).nullable().describe('What its value may be; null: anything.'),
  default: z.unknown().describe('null: there is none.'),
  required: z.boolean(),
  multiple: z.boolean().describe('It may be given several times.'),
  exclusive: z.array(z.string()).describe('Flags that may not stand beside it.'),
})

const example = z.strictObject({description: z.string().nullable(), command: z.string()})

const ofCommand = z.strictObject({
  kind: z.literal('command'),
  id: z.string().describe('Its words after the name of the program.'),
  summary,
  description,
  usage,
  aliases: z.array(z.string()),
  args: z.array(argument),
  flags: z.array(flag),
  examples: z.array(example),
  topics,
  commands,
})
const ofTopic = z.strictObject({kind: z.literal('topic'), id: z.string(), summary, usage, topics, commands})
const ofProgram = z.strictObject({
  kind: z.literal('program'),
  id: z.string().describe('The name of the program.'),
  summary,
  version: z.string(),
  usage,
  topics,
  commands,
})

/** What `--help --json` gives. */
export const helpDocument = z.strictObject({
  schema: z.literal(1).describe('The version of this document.'),
  help: z.discriminatedUnion('kind', [ofCommand, ofTopic, ofProgram]),
})

export type HelpDocument = z.infer<typeof helpDocument>
export type ListedInHelp = z.infer<typeof listed>
export type ArgumentInHelp = z.infer<typeof argument>
export type FlagInHelp = z.infer<typeof flag>
export type ExampleInHelp = z.infer<typeof example>
