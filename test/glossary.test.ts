import {readdirSync, readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

const root = resolve(import.meta.dirname, '..')
const glossary = readFileSync(join(root, 'docs', 'glossary.md'), 'utf8')

const codeBelow = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'))

const code = ['src', 'plugins/gmail/src', 'plugins/dataverse/src', 'plugins/rest/src'].flatMap(codeBelow)

const exportedNames = new Set(
  code.flatMap((text) =>
    [
      ...text.matchAll(
        /^export (?:default )?(?:async )?(?:const|let|function\*?|class|abstract class|interface|type) (\w+)/gm,
      ),
    ].map(([, name = '']) => name),
  ),
)

/** `otherSelectionCovered` is `other selection covered`. */
const wordsOf = (name: string): string =>
  ` ${name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()} `

const rowsOf = (heading: string): readonly (readonly string[])[] => {
  const section = glossary.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  return rows.slice(1).map((row) => row.split('|').map((cell) => cell.trim()))
}

const inBackticks = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)

describe('the glossary', () => {
  it('has words that no exported name uses for something else', () => {
    const refused = rowsOf('Words in the code').flatMap(([, , , cell]) => inBackticks(cell))
    expect(refused).to.include.members(['mark', 'patience', 'twin'])
    const misused = [...exportedNames].filter((name) =>
      refused.filter((word) => !word.endsWith('…')).some((word) => wordsOf(name).includes(wordsOf(word))),
    )
    expect(misused).to.deep.equal([])
  })

  it('keeps describe for what answers with data: a function that makes text says format', () => {
    const textual = code.flatMap((text) =>
      [...text.matchAll(/\b(describe\w*)\s*(?:=\s*)?\([^)]*\)\s*:\s*(?:readonly\s+)?string\b/g)].map(
        ([, name]) => name,
      ),
    )
    expect(textual).to.deep.equal([])
  })

  it('names only what is in the code', () => {
    const named = ['What is read', 'When it is read', 'How it is written', 'What became of a record'].flatMap(
      (heading) => rowsOf(heading).flatMap(([, , , cell]) => inBackticks(cell)),
    )
    const identifiers = named.flatMap((text) => /^([A-Z]\w+)(?:\.(\w+))?$/.exec(text)?.slice(1).filter(Boolean) ?? [])
    expect(identifiers.length).to.be.above(15)
    const missing = identifiers.filter((name) => !code.some((text) => new RegExp(`\\b${name}\\b`).test(text)))
    expect(missing).to.deep.equal([])
  })
})

describe('a doc comment', () => {
  it('begins with a sentence of its own, not with words that need the name before them', () => {
    const fragments = code.flatMap((text) =>
      [...text.matchAll(/\/\*\*\s*(?:\*\s*)?((?:Of|By|As|Behind|Told|For|From|In|On|With|Without)\b[^\n]*)/g)].map(
        ([, comment]) => comment,
      ),
    )
    expect(fragments).to.deep.equal([])
  })
})
