import {fileURLToPath} from 'node:url'

import {bundled} from './bundle.ts'

/** All that a source would need of lorchestra to write by itself, in one file that it brings along. */
export const ownCopy = async (): Promise<string> =>
  bundled(fileURLToPath(new URL('own-copy/exports.ts', import.meta.url)))
