import {runMode} from '../model/run-mode.ts'
import {assertDisjointTables, testTablesOf} from '../model/tables.ts'
import {DryRunSink} from './dry-run-sink.ts'
import type {Sink, SinkOptions} from './sink.ts'
import {WritingSink} from './writing-sink.ts'

/** Reads the run mode, once; throws while it is unset. */
export function openSink(options: SinkOptions): Sink {
  const mode = runMode()
  const {production} = options
  assertDisjointTables(production)
  if (mode === 'dry-run') return new DryRunSink(options)
  if (mode === 'test-table') return new WritingSink(options, mode, testTablesOf(production), production)
  return new WritingSink(options, mode, production)
}
