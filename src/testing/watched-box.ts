import {subscribe} from 'node:diagnostics_channel'
import {writeSync} from 'node:fs'

/** Loaded into a box before the plugin: prints what is asked for and not there, also where nobody says so. */
const STDERR = 2
const print = (seen: object): void => {
  writeSync(STDERR, `lorchestra-conformance ${JSON.stringify(seen)}\n`)
}

// Of Node 24 and later; before, what is refused is seen where it is thrown alone.
for (const wall of ['fs', 'child', 'worker', 'addon', 'wasi', 'inspector'])
  subscribe(`node:permission-model:${wall}`, (refusal) => print({refusal}))

process.env = new Proxy(process.env, {
  get(target, name) {
    const value = target[String(name)]
    if (value === undefined && typeof name === 'string') print({variable: name})
    return value
  },
})
