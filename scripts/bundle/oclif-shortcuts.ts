import {createRequire} from 'node:module'

import type {Plugin} from 'rolldown'

const SHORTCUT = '\0shortcut:'

/** oclif asks for these whether it needs them or not; loading them takes 6 ms. */
const SELDOM_NEEDED = ['node:child_process', 'node:perf_hooks', 'node:readline']
const ASKS = /\/node_modules\/(?:@oclif\/core|wsl-utils|powershell-utils)\//

/**
 * What oclif asks of these two at each start, answered without them where that is easy: texts of help pages without a
 * tag, which ejs would compile one by one, and names of plugins without a wildcard or with one at the end, which minimatch would.
 */
const SHORTCUTS: Readonly<Record<string, string>> = {
  ejs: `exports.render = (text, data) => (text.includes('<%') ? require('ejs').render(text, data) : text)`,
  minimatch: `exports.minimatch = (name, pattern) => {
  const [, start, wildcard] = /^([\\w@/-]+?)(\\/\\*)?$/.exec(pattern) ?? []
  if (start === undefined) return require('minimatch').minimatch(name, pattern)
  return wildcard === undefined ? name === start : name.startsWith(start + '/') && !/^\\.|\\/|^$/.test(name.slice(start.length + 1))
}`,
}

export function oclifShortcuts(root: string): Plugin {
  const {resolve} = createRequire(createRequire(root).resolve('@oclif/core'))
  return {
    name: 'oclif-shortcuts',
    resolveId(id, importer) {
      if (SELDOM_NEEDED.includes(id) && ASKS.test(importer ?? '')) return `${SHORTCUT}${id}`
      if (!(id in SHORTCUTS)) return undefined
      return importer?.startsWith(SHORTCUT) === true ? resolve(id) : `${SHORTCUT}${id}`
    },
    load(id) {
      if (!id.startsWith(SHORTCUT)) return undefined
      const name = id.slice(SHORTCUT.length)
      return SHORTCUTS[name] ?? whenNeeded(name)
    },
  }
}

const whenNeeded = (name: string): string =>
  `module.exports = new Proxy({}, {get: (_, part) => process.getBuiltinModule('${name}')[part]})`
