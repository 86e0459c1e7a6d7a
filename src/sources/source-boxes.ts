import type {Config as CommandLine} from '@oclif/core'

import type {Config} from '../config/config.ts'
import {assertAllowed} from './allowed.ts'
import type {BoxOwner} from './box-owner.ts'
import {missingVariables, resolveVariables} from '../config/variables.ts'
import type {BoxListeners} from './box/box-questions.ts'
import {pathsIn} from './box/grants.ts'
import type {HostedSource} from './box/hosted-source.ts'
import type {FoundSources} from './found-sources.ts'
import {findSources, loadSource, type LoadedSource} from './source-plugins.ts'

/**
 * One box an account, for all of its jobs: what its service counts, asks to wait for, and rotates, is in one process. Boxes
 * end with the program.
 */
export class SourceBoxes {
  readonly #commandLine: CommandLine
  readonly #config: Config
  readonly #listeners: BoxListeners
  /** Plugins are asked once, however many accounts there are. */
  #found: Promise<FoundSources> | undefined
  readonly #loaded = new Map<string, Promise<LoadedSource>>()

  constructor(commandLine: CommandLine, config: Config, listeners: BoxListeners) {
    this.#commandLine = commandLine
    this.#config = config
    this.#listeners = listeners
  }

  async sourceOf(owner: BoxOwner): Promise<HostedSource> {
    const {sourceName, account, name} = owner
    const key = JSON.stringify([sourceName, account === undefined ? {job: name} : {account}])
    const kept = this.#loaded.get(key)
    if (kept !== undefined && (await kept).box.alive) return (await kept).source
    const loading = this.#load(owner)
    this.#loaded.set(key, loading)
    return (await loading).source
  }

  async #load(owner: BoxOwner): Promise<LoadedSource> {
    this.#found ??= findSources(this.#commandLine)
    const found = await this.#found
    const listed = found.sources.find(({descriptor}) => descriptor.name === owner.sourceName)
    if (listed !== undefined) assertAllowed(listed, owner, this.#config)
    return loadSource(found, owner.sourceName, {
      folder: this.#config.folder,
      allow: owner.allow,
      paths: this.#pathsOf(owner),
      ...this.#listeners,
    })
  }

  /** All jobs of the account may run in its box. */
  #pathsOf({account, options}: BoxOwner): readonly string[] {
    const {jobs, environment, folder} = this.#config
    const all = [
      options,
      ...[...jobs.values()].filter((job) => account !== undefined && job.account === account).map((job) => job.options),
    ]
    const texts = all.flatMap((each) =>
      Object.values(each).filter((value) => missingVariables(value, environment).length === 0),
    )
    return [...new Set(texts.flatMap((value) => pathsIn(resolveVariables(value, environment), folder)))]
  }
}
