import {stripVTControlCharacters} from 'node:util'

import type {Command, Interfaces} from '@oclif/core'

import {CommandHelp, Help} from '../base/oclif.ts'
import type {ArgumentInHelp, ExampleInHelp, FlagInHelp, HelpDocument, ListedInHelp} from './help-document.ts'
import {asksForJson, formatDocument} from './json-output.ts'

/** No line is so long that it would be broken. */
const ONE_LINE = {maxWidth: 10_000}

/** Shows oclif's help to a person and gives `--json` one document. Both come from the manifests: no command is loaded. */
export default class ProgramHelp extends Help {
  override async showCommandHelp(command: Command.Loadable): Promise<void> {
    if (!this.#asksForJson()) return super.showCommandHelp(command)
    const id = spaced(command.id)
    const shown = new UsageOfCommand({...command, id}, this.config, {...this.opts, ...ONE_LINE})
    this.#print({
      kind: 'command',
      id,
      summary: this.#summaryOf(command),
      description: command.description === undefined ? null : shown.render(command.description),
      usage: shown.lines(),
      aliases: command.aliases.map(spaced),
      args: Object.values(command.args).filter(isShown).map(argumentOf),
      flags: Object.values(command.flags).filter(isShown).map(flagOf),
      examples: examplesOf(command).map(({description, command: line}) => ({
        description: description === null ? null : shown.render(description),
        command: shown.render(line),
      })),
      ...this.#below(`${command.id}:`),
    })
  }

  protected override async showTopicHelp(topic: Interfaces.Topic): Promise<void> {
    if (!this.#asksForJson()) return super.showTopicHelp(topic)
    const id = spaced(topic.name)
    this.#print({
      kind: 'topic',
      id,
      summary: this.#firstLineOf(topic.description),
      usage: [`${this.config.bin} ${id} COMMAND`],
      ...this.#below(`${topic.name}:`),
    })
  }

  protected override async showRootHelp(): Promise<void> {
    if (!this.#asksForJson()) return super.showRootHelp()
    this.#print({
      kind: 'program',
      id: this.config.bin,
      summary: (this.config.pjson['description'] as string | undefined) ?? null,
      version: this.config.version,
      usage: [`${this.config.bin} COMMAND`],
      ...this.#below(''),
    })
  }

  /** oclif hands a topic on without its flags, so all of the command line is looked at. */
  #asksForJson(): boolean {
    return asksForJson(process.argv.slice(2), process.env)
  }

  #print(help: HelpDocument['help']): void {
    process.stdout.write(formatDocument({schema: 1, help} satisfies HelpDocument))
  }

  /** Lists what lies one word below. */
  #below(prefix: string): {topics: ListedInHelp[]; commands: ListedInHelp[]} {
    const isBelow = (id: string): boolean => id.startsWith(prefix) && !id.slice(prefix.length).includes(':')
    const topics = this.sortedTopics.filter(({name}) => isBelow(name))
    const commands = this.sortedCommands.filter(({id, aliases}) => isBelow(id) && !aliases.includes(id))
    return {
      topics: topics.map(({name, description}) => ({id: spaced(name), summary: this.#firstLineOf(description)})),
      commands: commands.map((command) => ({id: spaced(command.id), summary: this.#summaryOf(command)})),
    }
  }

  #summaryOf({summary, description}: Command.Loadable): string | null {
    return this.#firstLineOf(summary ?? description)
  }

  #firstLineOf(text: string | undefined): string | null {
    return text === undefined ? null : (this.render(text).split('\n')[0] ?? null)
  }
}

class UsageOfCommand extends CommandHelp {
  lines(): string[] {
    const [, ...lines] = stripVTControlCharacters(this.usage()).split(/^\s*\$ /m)
    return lines.map((line) => line.trim())
  }
}

const spaced = (id: string): string => id.replaceAll(':', ' ')

const isShown = ({hidden}: {readonly hidden?: boolean}): boolean => hidden !== true

const argumentOf = (argument: Command.Arg.Cached): ArgumentInHelp => ({
  name: argument.name,
  description: argument.description ?? null,
  required: argument.required === true,
  multiple: argument.multiple === true,
  default: argument.default ?? null,
  options: argument.options?.slice() ?? null,
})

const flagOf = (flag: Command.Flag.Cached): FlagInHelp => ({
  name: flag.name,
  char: flag.char ?? null,
  description: flag.summary ?? flag.description ?? null,
  type: flag.type,
  value: flag.type === 'option' && typeof flag.helpValue === 'string' ? flag.helpValue : null,
  options: flag.type === 'option' ? (flag.options?.slice() ?? null) : null,
  default: flag.default ?? null,
  required: flag.required === true,
  multiple: flag.type === 'option' && flag.multiple === true,
  exclusive: (flag.exclusive ?? []).flatMap((other) => (typeof other === 'string' ? [other] : [])),
})

/** An example may be one text, whose first line then tells what its last one does. */
const examplesOf = ({examples}: Command.Loadable): ExampleInHelp[] =>
  (typeof examples === 'string' ? [examples] : (examples ?? [])).map((example) => {
    if (typeof example !== 'string') return {description: example.description, command: example.command}
    const lines = example.trim().split('\n')
    const command = (lines.pop() ?? '').trim().replace(/^\$ /, '')
    return {description: lines.join('\n').trim() || null, command}
  })
