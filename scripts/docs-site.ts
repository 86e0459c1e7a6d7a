import {fileURLToPath} from 'node:url'

import {build, serve} from '@rspress/core'

import {addressOf, layOut, leadsToPage} from './site/layout.ts'
import {readableFromFiles} from './site/offline.ts'
import {readPages} from './site/pages.ts'
import {searchInReadingOrder} from './site/search-order.ts'
import {tablesByKeys} from './site/tables-by-keys.ts'

/** The generator's search would take each Enter for its own, also while it is closed or finds nothing. */
const KEEP_ENTER =
  "addEventListener('keydown',(event)=>{if(event.key==='Enter'&&!document.querySelector('.rp-suggest-item--current'))event.stopPropagation()},true)"

/** Builds the site of the documentation into `.cache/docs/site`; with --serve, shows it. A dead link fails it. */
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = `${root}/.cache/docs`
const contents = await readPages(root)
const config = {
  root: `${folder}/pages`,
  outDir: `${folder}/site`,
  title: 'lorchestra',
  globalStyles: `${root}/scripts/site/style.css`,
  description:
    'Ingest records from any source into your warehouse, with a dry run and test tables that are proved safe',
  // A page that did not change would not be looked at again, nor its links.
  builderConfig: {performance: {buildCache: false}, html: {tags: [{tag: 'script', children: KEEP_ENTER}]}},
  plugins: [searchInReadingOrder(contents)],
  markdown: {
    rehypePlugins: [tablesByKeys],
    link: {checkDeadLinks: {excludes: (link: string) => !leadsToPage(link)}, checkAnchors: true},
  },
  themeConfig: {
    sidebar: {
      '/': contents.parts.map(({title, pages}) => ({
        text: title,
        collapsible: true,
        items: pages.map((page) => ({text: page.title, link: addressOf(page)})),
      })),
    },
  },
}

await layOut(contents, root, config.root)
await build({config, docDirectory: config.root, configFilePath: ''})
await readableFromFiles(config.outDir)
console.log(`${contents.pages.length} pages in .cache/docs/site`)
if (process.argv.includes('--serve')) await serve({config, configFilePath: ''})
