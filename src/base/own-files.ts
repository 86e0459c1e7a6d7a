import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

/** The folder of lorchestra's package.json: this file is two folders below it, where it was written and where it was built. */
export const PACKAGE = fileURLToPath(new URL('../../', import.meta.url))

const written = import.meta.url.endsWith('.ts')

/** All code of lorchestra that can run. */
export const CODE = join(PACKAGE, written ? 'src' : 'dist')

/** What the box of a source runs. */
export const BOX_PROGRAM = join(CODE, 'sources', 'box', written ? 'program.ts' : 'program.js')

/** What the conformance suite loads into a box before the source. */
export const BOX_WATCHER = join(CODE, 'testing', written ? 'watched-box.ts' : 'watched-box.js')
