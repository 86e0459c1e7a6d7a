import {runMode, unknownMode} from '../model/run-mode.ts'
import {assertDisjointTables} from '../model/tables.ts'
import {DryRunSink} from './dry-run-sink.ts'
import type {Sink, SinkOptions} from './sink.ts'
import {WritingSink} from './writing-sink.ts'

/** Reads the run mode, once; throws while it is unset, and for a mode that no sink is made for. */
export function openSink(options: SinkOptions): Sink {
  const mode = runMode()
  assertDisjointTables(options.production)
  switch (mode) {
    case 'dry-run':
      return new DryRunSink(options, mode)
    case 'production':
    case 'test-table':
      return new WritingSink(options, mode)
    default:
      throw unknownMode(mode satisfies never)
  }
}
