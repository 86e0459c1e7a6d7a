import {readdirSync, readFileSync} from 'node:fs'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

import type {SourcesHook} from '../../src/source.ts'

const plugins = resolve(import.meta.dirname, '../../plugins')

describe('a plugin that comes along with lorchestra', () => {
  for (const name of readdirSync(plugins))
    it(`says in package.json what its hook says: ${name}`, async () => {
      const {lorchestra} = JSON.parse(readFileSync(join(plugins, name, 'package.json'), 'utf8')) as {
        readonly lorchestra: {readonly sources: readonly object[]}
      }
      const {default: hook} = (await import(`../../plugins/${name}/src/hook.ts`)) as {readonly default: SourcesHook}
      const answer = await hook()
      expect(lorchestra.sources).to.deep.equal(answer.map(({load: _, ...rest}) => rest))
    })
})
