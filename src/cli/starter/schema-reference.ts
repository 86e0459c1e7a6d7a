import {isAbsolute, join, relative, resolve, sep} from 'node:path'
import {pathToFileURL} from 'node:url'

/**
 * Tells how a lorchestra.yaml in `folder` names the schema of the lorchestra at `packageRoot`: relative where both are in one
 * project, so that it holds for everybody who installs it, else as a file of this machine.
 */
export function schemaReference(packageRoot: string, folder: string): string {
  const schema = join(packageRoot, 'lorchestra.schema.json')
  const path = relative(resolve(folder), schema)
  const within = !isAbsolute(path) && path.split(sep)[0] === 'node_modules'
  return within ? `./${path.replaceAll(sep, '/')}` : pathToFileURL(schema).href
}
