import {readFile, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import type {Mount} from './container.ts'

const root = resolve(import.meta.dirname, '../../..')
const PROGRAMS = '/image/bin'
const PACKAGE = '/image/lorchestra'

/** The image that examples/Containerfile makes, of this checkout in the place of the package. */
export interface Image {
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
  readonly entrypoint: readonly string[]
  readonly layers: readonly Mount[]
}

export async function imageOfExample(temporary: string): Promise<Image> {
  // As npm links it.
  const program = join(temporary, 'lorchestra')
  await writeFile(program, `#!/bin/sh\nexec ${PACKAGE}/bin/run.js "$@"\n`, {mode: 0o755})
  const text = await readFile(join(root, 'examples/Containerfile'), 'utf8')
  const instruction = (name: string): string => {
    const found = new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error(`examples/Containerfile has no ${name}`)
    return found
  }
  const folder = instruction('WORKDIR')
  const variables = instruction('ENV')
    .split(' ')
    .map((pair) => pair.split('=') as [string, string])
  return {
    env: {
      PATH: `${PROGRAMS}:${PACKAGE}/node_modules/node/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: '/home/node',
      ...Object.fromEntries(variables),
    },
    folder,
    entrypoint: JSON.parse(instruction('ENTRYPOINT')) as readonly string[],
    layers: [
      {source: root, target: PACKAGE, writable: false},
      {source: program, target: `${PROGRAMS}/lorchestra`, writable: false},
      {source: join(root, 'examples/scheduled.sh'), target: `${PROGRAMS}/scheduled`, writable: false},
      {source: join(root, 'examples/lorchestra.yaml'), target: `${folder}/lorchestra.yaml`, writable: false},
    ],
  }
}
