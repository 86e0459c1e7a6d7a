import type {RspressPlugin} from '@rspress/core'

import {addressOf} from './layout.ts'
import type {SiteContents} from './pages.ts'
import {UNSEARCHED} from './reading-order.ts'

/** Has the search find pages in the order in which they are read. */
export const searchInReadingOrder = ({parts}: SiteContents): RspressPlugin => ({
  name: 'search-in-reading-order',
  modifySearchIndexData(pages) {
    const order = parts.flatMap((part) => part.pages.map(addressOf))
    for (const {routePath, frontmatter} of pages) if (UNSEARCHED.test(routePath)) frontmatter.search = false
    pages.sort((one, other) => order.indexOf(one.routePath) - order.indexOf(other.routePath))
  },
})
