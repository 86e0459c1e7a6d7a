import {readFile} from 'node:fs/promises'
import {join} from 'node:path'

export const PLACES = {account: 'accounts', job: 'jobs'} as const

interface Described {
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
}
interface SchemaFile {
  readonly properties: Readonly<
    Record<string, {anyOf: readonly {additionalProperties?: {properties: Readonly<Record<string, Described>>}}[]}>
  >
}

export const propertiesIn = async (
  folder: string,
  place: keyof typeof PLACES,
): Promise<Readonly<Record<string, Described>>> => {
  const {properties} = JSON.parse(await readFile(join(folder, 'lorchestra.schema.json'), 'utf8')) as SchemaFile
  return properties[PLACES[place]]?.anyOf[0]?.additionalProperties?.properties ?? {}
}

/** The rows of the reference under one heading. */
export const rowsIn = async (folder: string, place: keyof typeof PLACES): Promise<readonly string[]> => {
  const page = await readFile(join(folder, 'docs', 'configuration.md'), 'utf8')
  const section = page.split(`## \`${PLACES[place]}\`\n`)[1]?.split('\n## ')[0] ?? ''
  return section.split('\n').filter((line) => line.startsWith('| `'))
}
