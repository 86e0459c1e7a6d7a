import {existsSync} from 'node:fs'
import {availableParallelism} from 'node:os'

/** Runs all tests and checks the coverage. Where files or options of mocha are given, there is no coverage to check. */
const MOCHA = 'node_modules/mocha/bin/mocha.js'
const C8 = 'node_modules/c8/bin/c8.js'
// What takes long begins first, so that nothing long is left when all else has ended.
const ALL = ['*.long', '*.process', '!(*.long|*.process)'].map((name) => `{test,plugins/*/test}/**/${name}.test.ts`)

const options = process.argv.slice(2)
const files = options.some((option) => existsSync(option)) ? [] : ALL
// Most tests wait for a process of their own, which does not keep a core busy either.
const parallel = files.length === 0 ? [] : ['--parallel', '--jobs', String(2 * availableParallelism())]
const mocha = [MOCHA, ...parallel, ...options, ...files]

process.argv.splice(1, Infinity, ...(options.length > 0 ? mocha : [C8, process.execPath, ...mocha]))
await import(`../${process.argv[1]}`)
