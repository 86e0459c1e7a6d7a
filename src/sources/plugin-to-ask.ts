import {statSync} from 'node:fs'
import {join} from 'node:path'

import type {Interfaces} from '@oclif/core'

import {SOURCES_HOOK} from '../base/foreign-code.ts'

/** A plugin as oclif found it. */
export type PluginToAsk = Pick<Interfaces.Plugin, 'name' | 'version' | 'type' | 'root'> &
  Partial<Pick<Interfaces.Plugin, 'isRoot' | 'options' | 'pjson'>> & {
    readonly hooks: Readonly<Record<string, readonly {readonly target: string}[] | undefined>>
  }

/** Gives the files of the hooks that say which sources a plugin has. */
export const hookFilesOf = ({hooks, root}: Pick<PluginToAsk, 'hooks' | 'root'>): readonly string[] =>
  (hooks[SOURCES_HOOK] ?? []).map(({target}) => hookFile(root, target))

/** Finds a hook's file as oclif does: its ending may be left out. */
function hookFile(root: string, target: string): string {
  const path = join(root, target)
  return [path, `${path}.js`, `${path}.mjs`, `${path}.cjs`, join(path, 'index.js')].find(isFile) ?? path
}

export const isFile = (path: string): boolean => statSync(path, {throwIfNoEntry: false})?.isFile() === true
