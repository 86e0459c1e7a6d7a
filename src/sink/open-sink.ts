import {runMode, tablesOfMode, unknownMode, type RunMode} from '../model/run-mode.ts'
import {assertDisjointTables} from '../model/tables.ts'
import {DryRunSink} from './dry-run-sink.ts'
import type {Warehouse} from '../warehouse/warehouse.ts'
import {DiffSink} from './diff-sink.ts'
import type {Sink, SinkOptions} from './sink.ts'
import {WritingSink} from './writing-sink.ts'

/** Opens the sink of the mode that the command read from its flags, where it is that of the process; throws for all else. */
export function openSink(options: SinkOptions, wanted: RunMode): Sink {
  const mode = runMode(wanted)
  assertDisjointTables(options.production)
  switch (mode) {
    case 'dry-run':
      return options.diffSamples === undefined ? new DryRunSink(options, mode) : openDiffSink(options, mode)
    case 'production':
    case 'test-table':
      return new WritingSink(options, mode)
    default:
      throw unknownMode(mode satisfies never)
  }
}

function openDiffSink(options: SinkOptions, mode: RunMode): Sink {
  let opened: Promise<Warehouse> | undefined
  const openWarehouse = async (): Promise<Warehouse> => (opened ??= options.openWarehouse())
  const dryRun = new DryRunSink({...options, openWarehouse, folder: `${options.folder}-keys`}, mode)
  return new DiffSink(dryRun, tablesOfMode(mode, options.production).read, {...options, openWarehouse})
}

/** Tells whether the sink of this mode will open the warehouse: to write, or because it must know what is covered. */
export const opensWarehouse = (
  {production, needsCoverage}: Pick<SinkOptions, 'production' | 'needsCoverage'>,
  mode: RunMode,
): boolean => needsCoverage || tablesOfMode(mode, production).written !== undefined
