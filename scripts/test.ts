import {existsSync} from 'node:fs'
import {availableParallelism} from 'node:os'

/**
 * Runs all tests. With `--coverage` alone it counts and checks what they cover, which takes half as long again: every process then
 * counts, and none takes its code from the compile cache.
 */
const MOCHA = 'node_modules/mocha/bin/mocha.js'
const C8 = 'node_modules/c8/bin/c8.js'
// What takes long begins first, so that nothing long is left when all else has ended.
const ALL = ['*.long', '*.process', '!(*.long|*.process)'].map((name) => `{test,plugins/*/test}/**/${name}.test.ts`)

const coverage = process.argv[2] === '--coverage'
const options = process.argv.slice(coverage ? 3 : 2)
const files = options.some((option) => existsSync(option)) ? [] : ALL
// Most tests wait for a process of their own, which does not keep a core busy either.
const parallel = files.length === 0 ? [] : ['--parallel', '--jobs', String(2 * availableParallelism())]
const mocha = [MOCHA, ...parallel, ...options, ...files]

process.argv.splice(1, Infinity, ...(coverage ? [C8, process.execPath, ...mocha] : mocha))
await import(`../${process.argv[1]}`)
