import type {Plugin} from 'rolldown'

const IMPORT = /^import (?:(?:\* as )?([\w$]+))?(?:, )?(\{.+\})? from "(node:[^"]+)";$/gm

/**
 * Asks Node for its own modules instead of importing them: an `import` reads all that a module exports, and so loads what stands
 * behind getters, too. That of node:crypto takes 15 ms, those of node:util and node:fs six each.
 */
export const builtinsOnDemand: Plugin = {
  name: 'builtins-on-demand',
  renderChunk: (code) => ({
    code: code.replace(IMPORT, (_, whole?: string, named?: string, id?: string) => {
      const names = [whole, named?.replaceAll(' as ', ': ')].filter((name) => name !== undefined)
      // One of the names may be `process`.
      return `const ${names.map((name) => `${name} = globalThis.process.getBuiltinModule("${id}")`).join(', ')};`
    }),
    map: null,
  }),
}
