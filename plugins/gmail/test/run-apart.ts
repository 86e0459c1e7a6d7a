import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import {messageWithCauses} from '../../../src/base/errors.ts'
import {scriptedRun, silentLog, type ScriptedRun} from '../../../test/support/scripted-run.ts'
import {options as schema} from '../src/options.ts'
import source from '../src/source.ts'

/** A run in a process of its own, which can be killed. The rate limit cuts its slices, but makes nothing wait. */
export interface RunApart extends Pick<ScriptedRun, 'folder' | 'runId' | 'commitAfter' | 'request'> {
  /** Of the source, as in lorchestra.yaml. */
  readonly options: object
}

if (process.argv[1] === import.meta.filename) {
  const {options, ...run} = JSON.parse(process.argv[2] ?? '') as RunApart
  const http = createHttpClient({signal: new AbortController().signal, log: silentLog, backoffMs: 1})
  const {error} = await scriptedRun({...run, source, options: schema.parse(options), http})
  process.stdout.write(error === undefined ? 'done' : messageWithCauses(error))
}
