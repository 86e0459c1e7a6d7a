import {isOurs} from '../base/foreign-code.ts'
import type {DescriptorShape} from './box/source-shape.ts'
import type {PluginToAsk} from './plugin-to-ask.ts'

/**
 * Gives the sources of a plugin that comes along with lorchestra: its package.json says what its hook would, so that no run starts
 * a box to ask. What others say of themselves is known when they were asked, and no sooner.
 */
export function sourcesOfOurs(plugin: PluginToAsk): readonly DescriptorShape[] | undefined {
  if (!isOurs(plugin)) return undefined
  const {lorchestra} = (plugin.pjson ?? {}) as {readonly lorchestra?: {readonly sources: readonly object[]}}
  return lorchestra?.sources.map((source) => ({...source, load: 'function'}))
}
