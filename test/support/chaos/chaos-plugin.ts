import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

import {bundled} from '../bundle.ts'
import type {ChaosSourceSettings} from './source.ts'
import type {WorldSettings} from './world.ts'

const SOURCE = fileURLToPath(new URL('source.ts', import.meta.url))

export interface ChaosJob {
  readonly world: WorldSettings
  readonly pageSize: number
  /** A file that its box may read, so that it is known by its command line. */
  readonly mark?: string
}

/** Writes a plugin with the chaos source, to be linked. */
export async function writeChaosPlugin(folder: string, settings: ChaosSourceSettings): Promise<void> {
  await mkdir(folder)
  const files = {
    'package.json': JSON.stringify({
      name: 'lorchestra-source-chaos',
      version: '1.0.0',
      type: 'module',
      oclif: {hooks: {'lorchestra:sources': './hook.js'}},
    }),
    'hook.js': `export default async () => [
  {apiVersion: 1, name: 'chaos', summary: 'a world', load: async () => (await import('./source.js')).default},
]
`,
    'source.js': `import {chaosSource} from './chaos.js'

const validate = ({world, as_of, page_size, calls, run}) => ({
  value: {world: JSON.parse(world), asOf: Number(as_of), pageSize: page_size, calls, run},
})

export default {
  ...chaosSource(${JSON.stringify(settings)}),
  options: {'~standard': {version: 1, vendor: 'chaos', validate}},
}
`,
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  // A box reads the plugin's own folder alone.
  await writeFile(join(folder, 'chaos.js'), await bundled(SOURCE))
}

/** Gives the jobs of lorchestra.yaml. The time that the world shows and the name of the run come with the environment. */
export const chaosYaml = (jobs: Readonly<Record<string, ChaosJob>>, recorder: string): string => `
jobs:
${Object.entries(jobs)
  .map(
    ([job, {world, pageSize, mark}]) => `  ${job}:
    source: chaos
    source_system: ${job}
    max_rejects: 100000
    world: '${JSON.stringify(world)}'
    page_size: ${pageSize}
    calls: ${recorder}${job}
    as_of: \${CHAOS_AS_OF}
    run: \${CHAOS_RUN}
${mark === undefined ? '' : `    mark: ${mark}\n`}`,
  )
  .join('')}`
