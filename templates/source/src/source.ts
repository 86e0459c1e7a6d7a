import type {JsonObject, Source} from 'lorchestra'
import {z} from 'zod'

import {idemKey} from './idem-key.ts'

const options = z.strictObject({url: z.url(), token: z.string().min(1)})

const source: Source<z.output<typeof options>> = {
  apiVersion: 1,
  name: 'example',
  summary: 'Items of the example API',
  options,
  secrets: ['token'],
  defaults: {overlap: '1d', slice: '30d'},
  streams: () => [{objectType: 'item', windowed: true}],
  idemKey,
  async *extract({options: {url, token}, window, http}) {
    let page: string | undefined
    do {
      const {body} = await http.request({
        url: `${url}/items`,
        query: {since: window.since?.toISOString(), until: window.until.toISOString(), page},
        authorization: () => Promise.resolve(`Bearer ${token}`),
      })
      const {items, next} = body
      if (!Array.isArray(items)) throw new Error(`no list of items in the answer; check that ${url} is the API`)
      yield {records: items as JsonObject[]}
      page = typeof next === 'string' ? next : undefined
    } while (page !== undefined)
  },
}

export default source
