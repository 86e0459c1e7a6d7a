import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'

/** The npm that `lorchestra plugins install` runs. */
export const NPM = join(
  dirname(createRequire(import.meta.resolve('@oclif/plugin-plugins')).resolve('npm/package.json')),
  'bin',
  'npm-cli.js',
)
