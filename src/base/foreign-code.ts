import {realpathSync} from 'node:fs'
import {createRequire} from 'node:module'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'

import type {Interfaces} from '@oclif/core'

import {Plugin} from './oclif.ts'
import {PACKAGE} from './own-files.ts'

/** A plugin may bring this to lorchestra, and nothing else: it runs in a box. */
export const SOURCES_HOOK = 'lorchestra:sources'

/** The part of oclif's plugin that decides what of it runs in this process. */
interface Loadable extends Omit<Interfaces.Plugin, 'options'> {
  commandDiscoveryOpts?: unknown
  readonly options: {readonly root: string}
  // oxlint-disable-next-line no-underscore-dangle -- oclif's name
  _manifest: (this: Loadable) => Promise<{readonly version: string; readonly commands: object}>
}

const OURS = realpathSync(PACKAGE)
const shutOut = new WeakMap<object, readonly string[]>()

/**
 * Keeps hooks and commands of installed plugins out of this process, where they could change what a command line means. `command`
 * is its first word.
 */
export async function keepForeignCodeOut(command: string | undefined): Promise<void> {
  keepOutOf(Plugin.prototype as unknown as Loadable)
  if (command?.startsWith('plugins') !== true) return
  // What installs and links plugins has an oclif of its own, which would load them to look at their commands.
  const from = createRequire(createRequire(join(PACKAGE, 'package.json')).resolve('@oclif/plugin-plugins'))
  const theirs = (await import(pathToFileURL(from.resolve('@oclif/core')).href)) as {Plugin: {prototype: Loadable}}
  keepOutOf(theirs.Plugin.prototype)
}

/** oclif has read the package.json when it asks for the manifest, and has imported nothing yet. */
function keepOutOf(prototype: Loadable): void {
  // oxlint-disable-next-line no-underscore-dangle -- oclif's name
  const manifestOf = prototype._manifest
  // oxlint-disable-next-line no-underscore-dangle -- oclif's name
  prototype._manifest = async function (this: Loadable) {
    if (isOurs(this)) return manifestOf.call(this)
    const {hooks, pjson} = this
    shutOut.set(this, foreignCodeIn({hooks, commands: pjson.oclif.commands}))
    this.hooks = Object.fromEntries(Object.entries(hooks).filter(([name]) => name === SOURCES_HOOK))
    delete this.commandDiscoveryOpts
    return {version: this.version, commands: {}}
  }
}

/** Names what of a package's `oclif` would run in this process. */
export const foreignCodeIn = ({hooks = {}, commands}: {hooks?: object; commands?: unknown}): readonly string[] => [
  ...Object.keys(hooks)
    .filter((name) => name !== SOURCES_HOOK)
    .map((name) => `the hook ${name}`),
  ...(commands === undefined ? [] : ['commands']),
]

/** Names what a plugin brings that would have run in this process. */
export const foreignCodeOf = (plugin: object): readonly string[] => shutOut.get(plugin) ?? []

/** Answers for lorchestra itself and the plugins that its package.json names: oclif looks for these from there. */
export const isOurs = ({
  type,
  isRoot,
  root,
  options,
}: Pick<Loadable, 'type' | 'root'> & Partial<Pick<Loadable, 'isRoot' | 'options'>>): boolean =>
  type === 'core' && realpathSync(isRoot === true ? root : (options?.root ?? root)) === OURS
