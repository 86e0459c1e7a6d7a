import {createRequire} from 'node:module'

import {build} from 'rolldown'

const NATIVE = '@duckdb/node-bindings'

/** Makes one file of a module and all that it imports, for a plugin: a box lets it read its own folder. Gives its text. */
export async function bundled(input: string): Promise<string> {
  const {output} = await build({
    input,
    platform: 'node',
    external: ['@google-cloud/bigquery', 'google-auth-library'],
    plugins: [
      {
        name: 'native-code-from-here',
        resolveId: (id) =>
          id === NATIVE ? {id: createRequire(import.meta.url).resolve(NATIVE), external: 'absolute'} : undefined,
      },
    ],
    checks: {ineffectiveDynamicImport: false},
    output: {format: 'esm', codeSplitting: false},
    write: false,
  })
  return output[0].code
}
