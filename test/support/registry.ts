import type {Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {mkdir, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'

import {runServer} from 'verdaccio'

import {temporaryFolder} from './cli.ts'
import {NPM} from './npm.ts'
import {runNode} from './package-copy.ts'

export interface Registry {
  readonly url: string
  /** Environment of whoever uses it: npm's settings and caches, away from those of this machine. */
  readonly env: Readonly<Record<string, string>>
  /** Publishes the package in this folder. */
  publish(folder: string): Promise<void>
  close(): Promise<void>
}

/** A real npm registry on loopback, that knows nothing but what is published to it. */
export async function startRegistry(): Promise<Registry> {
  const folder = await temporaryFolder()
  const handler = (await runServer({
    storage: join(folder, 'storage'),
    self_path: folder,
    uplinks: {},
    packages: {'**': {access: '$all', publish: '$all', unpublish: '$all'}},
    log: {type: 'stdout', format: 'pretty', level: 'fatal'},
  })) as Server
  await new Promise<void>((resolve, reject) => {
    handler.once('error', reject)
    handler.listen(0, '127.0.0.1', resolve)
  })
  const {port} = handler.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const npmrc = join(folder, 'npmrc')
  await mkdir(dirname(npmrc), {recursive: true})
  // Verdaccio wants some token, and takes any.
  await writeFile(npmrc, `registry=${url}\n//127.0.0.1:${port}/:_authToken=local\n`)
  const env = {
    npm_config_userconfig: npmrc,
    npm_config_globalconfig: join(folder, 'none'),
    npm_config_cache: join(folder, 'cache'),
    npm_config_registry: url,
  }
  return {
    url,
    env,
    async publish(plugin) {
      const {code, stderr} = await runNode([NPM, 'publish', '--ignore-scripts'], {cwd: plugin, home: folder, env})
      if (code !== 0) throw new Error(`publishing ${plugin} failed: ${stderr}`)
    },
    close: async () => {
      handler.closeAllConnections()
      await new Promise((resolve) => handler.close(resolve))
    },
  }
}
