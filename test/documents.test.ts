import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {dirname, join, relative, resolve, sep} from 'node:path'

import {expect} from 'chai'

import {readPages} from '../scripts/site/pages.ts'

const root = resolve(import.meta.dirname, '..')
const MADE = ['dist', 'node_modules', 'coverage', '.git', '.cache']

function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), {withFileTypes: true}).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (MADE.includes(entry.name)) return []
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

const files = filesBelow('')
const TOP = new Set(files.filter((path) => path.includes('/')).map((path) => path.split('/')[0]))
const read = (document: string): string => readFileSync(join(root, document), 'utf8')
const withoutCode = (text: string): string => text.replaceAll(/^```.*?^```/gms, '')

const documents = files.filter((path) => path.endsWith('.md') && !path.startsWith('templates/'))
const HOUSE = documents.filter((path) =>
  /^(README|CONTRIBUTING|SECURITY)\.md$|^docs\/(decisions\/|architecture|glossary|write-a-source)/.test(path),
)

/** Words in backticks that can be meant as nothing but a path of this repository: `<kind>` stands for any one name. */
function pathsNamedIn(document: string): readonly string[] {
  const words = [...withoutCode(read(document)).matchAll(/`([\w.<>@-]+(?:\/[\w.<>-]*)+)`/g)].map(
    (match) => match[1] ?? '',
  )
  return words.filter((word) => {
    if (MADE.includes(word.split('/')[0] ?? '')) return false
    return TOP.has(word.split('/')[0] ?? '') || /\.(ts|js|md|json|yml|yaml|sh)$/.test(word)
  })
}

function isThere(path: string): boolean {
  const pattern = path.replaceAll('.', String.raw`\.`).replaceAll(/<[\w-]+>/g, '[^/]+')
  const asFileOrFolder = new RegExp(`^${pattern}${path.endsWith('/') ? '' : '(?:$|/)'}`)
  return files.some((file) => asFileOrFolder.test(file))
}

/** As GitHub makes them of headings. */
const anchorsOf = (document: string): readonly string[] =>
  [...withoutCode(read(document)).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )

function ownLinksOf(document: string): readonly string[] {
  const links = [...withoutCode(read(document)).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
  return links.filter((link) => !/^[a-z]+:/.test(link))
}

function brokenLinksOf(document: string): readonly string[] {
  return ownLinksOf(document).filter((link) => {
    const [path = '', anchor] = link.split('#')
    const target = resolve(root, path === '' ? document : join(dirname(document), path))
    const inside = relative(root, target).split(sep).join('/')
    if (inside.startsWith('..') || !existsSync(target)) return true
    return anchor !== undefined && !anchorsOf(inside).includes(anchor)
  })
}

describe('the documents', () => {
  it('name only files and folders that are there', () => {
    const missing = HOUSE.flatMap((document) =>
      pathsNamedIn(document)
        .filter((path) => !isThere(path))
        .map((path) => `${document}: ${path}`),
    )
    expect(HOUSE.flatMap(pathsNamedIn).length).to.be.greaterThan(150)
    expect([...new Set(missing)]).to.deep.equal([])
  })

  it('link only to what is there, and to headings that are there', () => {
    const broken = documents.flatMap((document) => brokenLinksOf(document).map((link) => `${document}: ${link}`))
    expect(documents.length).to.be.greaterThan(30)
    expect(broken).to.deep.equal([])
  })

  it('of the package link to nothing that the package leaves out', () => {
    const {files: named} = JSON.parse(read('package.json')) as {files: readonly string[]}
    const packed = (path: string): boolean =>
      ['README.md', 'LICENSE', 'package.json', ...named].some((name) => path === name || path.startsWith(`${name}/`))
    const pages = documents.filter(packed)
    const left = pages.flatMap((page) =>
      ownLinksOf(page)
        .filter((link) => !link.startsWith('#'))
        .map((link) =>
          join(dirname(page), link.split('#')[0] ?? '')
            .split(sep)
            .join('/'),
        )
        .filter((path) => !packed(path))
        .map((path) => `${page}: ${path}`),
    )
    expect(pages.length).to.be.greaterThan(100)
    expect(left).to.deep.equal([])
  })

  it('each have a place on the site', async () => {
    const {parts} = await readPages(root)
    expect(parts[0]?.pages[0]?.place).to.equal('index.md')
    expect(parts.every(({pages}) => pages.length > 1)).to.equal(true)
  })

  it('list every decision in their index, and no other', () => {
    const decisions = files.filter((path) => /^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/.test(path))
    const listed = [...read('docs/decisions/README.md').matchAll(/\[(.+)\]\((\d{4}-.+\.md)\)/g)]
    expect(listed.map((match) => `docs/decisions/${match[2]}`)).to.deep.equal(decisions.toSorted())
    for (const [, title, file = ''] of listed) {
      const [heading] = read(`docs/decisions/${file}`).split('\n')
      expect(heading).to.equal(`# ${Number(file.slice(0, 4))}. ${title}`)
    }
  })

  it('have at least 35 places to change something in their map', () => {
    const map = read('docs/architecture.md').split('## Where to change what')[1] ?? ''
    expect([...map.matchAll(/^\| (?!To change|-)/gm)].length).to.be.at.least(35)
  })
})
