import * as z from 'zod'

const summary = z.string().nullable().describe('What it does, in one line.')
const description = z.string().nullable().describe('More about it.')
const usage = z.array(z.string()).describe('How it is written.')

const listed = z.strictObject({id: z.string().describe('Its words after the name of the program.'), summary})
const topics = z.array(listed).describe('Groups of commands below it.')
const commands = z.array(listed).describe('Commands below it.')

const about = z.string().nullable().describe('What it is for.')
const required = z.boolean().describe('Nothing works without it.')

const argument = z.strictObject({
  name: z.string().describe('What the usage calls it, in small letters.'),
  description: about,
  required,
  multiple: z.boolean().describe('It may be given several times.'),
  default: z.unknown().describe('null: there is none.'),
  options: z.array(z.string()).nullable().describe('What it may be; null: anything.'),
})

const flag = z.strictObject({
  name: z.string().describe('Without its dashes.'),
  char: z.string().nullable().describe('The same as one letter.'),
  description: about,
  type: z.enum(['boolean', 'option']).describe('An option takes a value.'),
  value: z.string().nullable().describe('What the usage calls its value.'),
  options: z.array(z.string()).nullable().describe('What its value may be; null: anything.'),
  default: z.unknown().describe('null: there is none.'),
  required,
  multiple: z.boolean().describe('It may be given several times.'),
  exclusive: z.array(z.string()).describe('Flags that may not stand beside it.'),
})

const example = z.strictObject({
  description: z.string().nullable().describe('What it does.'),
  command: z.string().describe('The line to type.'),
})

const ofCommand = z.strictObject({
  kind: z.literal('command').describe('A command.'),
  id: z.string().describe('Its words after the name of the program.'),
  summary,
  description,
  usage,
  aliases: z.array(z.string()).describe('Other names of it.'),
  args: z.array(argument).describe('What is told by its place, in order.'),
  flags: z.array(flag).describe('What is told by its name.'),
  examples: z.array(example).describe('Lines that may be typed.'),
  topics,
  commands,
})
const ofTopic = z.strictObject({
  kind: z.literal('topic').describe('A group of commands.'),
  id: z.string().describe('Its words after the name of the program.'),
  summary,
  usage,
  topics,
  commands,
})
const ofProgram = z.strictObject({
  kind: z.literal('program').describe('The program.'),
  id: z.string().describe('The name of the program.'),
  summary,
  version: z.string().describe('The version of the program.'),
  usage,
  topics,
  commands,
})

/** `--help --json` gives this. */
export const helpDocument = z.strictObject({
  schema: z.literal(1).describe('The version of this document.'),
  help: z.discriminatedUnion('kind', [ofCommand, ofTopic, ofProgram]).describe('What there is to know.'),
})

export type HelpDocument = z.infer<typeof helpDocument>
export type ListedInHelp = z.infer<typeof listed>
export type ArgumentInHelp = z.infer<typeof argument>
export type FlagInHelp = z.infer<typeof flag>
export type ExampleInHelp = z.infer<typeof example>
