import {globSync} from 'node:fs'
import {readFile} from 'node:fs/promises'
import {posix} from 'node:path'

import {BESIDE, HOME, READING_ORDER} from './reading-order.ts'

/** A page is a Markdown file of this repository, where it is on the site, and what it is called there. */
export interface Page {
  readonly file: string
  readonly place: string
  readonly title: string
  readonly text: string
}

export interface Part {
  readonly title: string
  readonly pages: readonly Page[]
}

export interface SiteContents {
  readonly pages: readonly Page[]
  readonly parts: readonly Part[]
}

const FILES = ['*.md', 'docs/**/*.md', 'artifacts/test/*.md', 'test/support/bigquery/README.md']

/** Reads all pages. Throws where one is in no part, or a part names none. */
export async function readPages(root: string): Promise<SiteContents> {
  const files = globSync(FILES, {cwd: root}).map(slashed).toSorted()
  const pages = await Promise.all(
    files.map(async (file): Promise<Page> => {
      const text = await readFile(posix.join(root, file), 'utf8')
      return {file, place: file === HOME ? 'index.md' : file, title: titleOf(text, file), text}
    }),
  )
  const parts = READING_ORDER.map(({title, pages: names}) => ({
    title,
    pages: names.flatMap((name) => {
      const found = pages.filter(
        ({file}) => file === name || (name.endsWith('/*') && posix.dirname(file) === posix.dirname(name)),
      )
      if (found.length === 0) throw new Error(`${name} is in the reading order, and is no page`)
      return found
    }),
  }))
  const placed = new Set(parts.flatMap((part) => part.pages))
  const lost = pages.filter((page) => !placed.has(page) && !BESIDE.test(page.file)).map(({file}) => file)
  if (lost.length > 0) throw new Error(`${lost.join(', ')}: in no part of scripts/site/reading-order.ts`)
  return {pages, parts}
}

const slashed = (path: string): string => path.replaceAll('\\', '/')

function titleOf(text: string, file: string): string {
  if (file === 'README.md') return 'What it is, and the first hour'
  const title = /^# (.+)$/m.exec(text)?.[1] ?? /^(.+)\n=+$/m.exec(text)?.[1]
  if (title === undefined) throw new Error(`${file} has no title`)
  return title.replaceAll('`', '')
}
