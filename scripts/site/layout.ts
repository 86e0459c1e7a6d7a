import {copyFile, mkdir, rm, stat, writeFile} from 'node:fs/promises'
import {dirname, join, posix} from 'node:path'

import type {Page, SiteContents} from './pages.ts'

const CODE = /^(```[\s\S]*?^```)/m
/** The generator takes images in itself; other files it only hands on. */
const IMAGE = /\.(?:svg|png)$/
const LINK = /(\]\()(?!\w+:|#)([^)#\s]+)/g

/**
 * Lays the pages out for the generator in an empty folder: links between pages follow those that moved, and files that
 * are linked and are no pages come along.
 */
export async function layOut({pages}: SiteContents, root: string, folder: string): Promise<void> {
  await rm(folder, {recursive: true, force: true})
  const places = new Map(pages.map(({file, place}) => [file, place]))
  const others = new Set<string>()
  for (const page of pages) {
    const follow = (_whole: string, start: string, link: string): string => {
      const target = posix.join(posix.dirname(page.file), link)
      const place = places.get(target)
      if (place === undefined) others.add(target)
      const path = posix.relative(posix.dirname(page.place), place ?? target)
      // An image that begins with a name would be looked for among packages.
      return `${start}${path.startsWith('.') ? path : `./${path}`}`
    }
    await write(
      join(folder, page.place),
      page.text
        .split(CODE)
        .map((piece) => (CODE.test(piece) ? piece : piece.replaceAll(LINK, follow)))
        .join(''),
    )
  }
  for (const other of others) {
    if (!(await stat(join(root, other))).isFile()) throw new Error(`a page links to ${other}, which is no file`)
    const copy = IMAGE.test(other) ? join(folder, other) : join(folder, 'public', other)
    await mkdir(dirname(copy), {recursive: true})
    await copyFile(join(root, other), copy)
  }
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), {recursive: true})
  await writeFile(path, text)
}

/** Tells whether a link leads to a page. */
export const leadsToPage = (link: string): boolean => /\.md(?:#|$)/.test(link)

/** Where the site has a page. */
export const addressOf = ({place}: Page): string => (place === 'index.md' ? '/' : `/${place.replace(/\.md$/, '')}`)
