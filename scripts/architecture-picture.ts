import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join, relative, resolve, sep} from 'node:path'
import {fileURLToPath} from 'node:url'

import {importsOf, isRelative} from '../test/support/imports.ts'

/** Draws the rooms of src into docs/architecture.md: who imports whom, read from the code, so that it cannot lie. */
const root = fileURLToPath(new URL('..', import.meta.url))
const document = join(root, 'docs/architecture.md')
const BEGIN = '<!-- picture: made by npm run generate -->'
const END = '<!-- picture ends -->'
const CONTRACT = 'source.ts'
const PLUGINS = 'plugins'

const roomOf = (file: string): string => relative(join(root, 'src'), file).split(sep)[0] ?? ''

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

type Arrows = ReadonlyMap<string, ReadonlySet<string>>

function arrowsOfRooms(): Arrows {
  const arrows = new Map(readdirSync(join(root, 'src')).map((room) => [room, new Set<string>()]))
  for (const file of filesBelow(join(root, 'src'))) {
    for (const {specifier} of importsOf(file).filter(isRelative)) {
      const imported = roomOf(resolve(dirname(file), specifier))
      if (imported !== roomOf(file)) arrows.get(roomOf(file))?.add(imported)
    }
  }
  return arrows
}

/** Plugins know the package by its name, which stands for the contract alone. */
function withPlugins(rooms: Arrows): Arrows {
  const files = readdirSync(join(root, 'plugins')).flatMap((name) => filesBelow(join(root, 'plugins', name, 'src')))
  const importing = files.some((file) => importsOf(file).some(({specifier}) => specifier === 'lorchestra'))
  return importing ? new Map([...rooms, [PLUGINS, new Set([CONTRACT])]]) : rooms
}

function reachedFrom(room: string, arrows: Arrows, path: readonly string[] = []): ReadonlySet<string> {
  if (path.includes(room)) throw new Error(`rooms import each other in a circle: ${[...path, room].join(' -> ')}`)
  const direct = [...(arrows.get(room) ?? [])]
  return new Set(direct.flatMap((next) => [next, ...reachedFrom(next, arrows, [...path, room])]))
}

/** Without the arrows that follow from others: where one room imports another, it may well import what that one does. */
const withoutDetours = (arrows: Arrows): Arrows =>
  new Map(
    [...arrows].map(([room, direct]) => {
      const further = new Set([...direct].flatMap((next) => [...reachedFrom(next, arrows)]))
      return [room, new Set([...direct].filter((next) => !further.has(next)))]
    }),
  )

function drawn(arrows: Arrows): string {
  const names = [...arrows.keys()].toSorted()
  const boxes = names.map((name) => `  ${idOf(name)}["${labelOf(name)}"]`)
  const lines = names.flatMap((name) => namesOf(arrows.get(name)).map((other) => `  ${idOf(name)} --> ${idOf(other)}`))
  return ['```mermaid', 'flowchart TD', ...boxes, ...lines, '```'].join('\n')
}

function listed(arrows: Arrows): string {
  const mostFirst = [...arrows].toSorted(([a, one], [b, other]) => other.size - one.size || (a < b ? -1 : 1))
  const rows = mostFirst.map(([name, direct]) => {
    const others = namesOf(direct).map((other) => `\`${labelOf(other)}\``)
    return `| \`${labelOf(name)}\` | ${others.join(', ') || 'nothing'} |`
  })
  return ['| room | imports |', '|---|---|', ...rows].join('\n')
}

const namesOf = (rooms: Iterable<string> = []): readonly string[] => [...rooms].toSorted()
const idOf = (room: string): string => room.replaceAll(/[.-]/g, '_')
const labelOf = (room: string): string => (room.endsWith('.ts') ? room : `${room}/`)

const text = readFileSync(document, 'utf8')
const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
if (begin === -1 || end < begin) throw new Error(`docs/architecture.md has no ${BEGIN} … ${END}`)
const arrows = withPlugins(arrowsOfRooms())
const made = `${drawn(withoutDetours(arrows))}\n\n${listed(arrows)}`
writeFileSync(document, `${text.slice(0, begin + BEGIN.length)}\n${made}\n${text.slice(end)}`)
