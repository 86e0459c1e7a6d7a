import {undoRun, type RunToUndo, type UndoReport} from '../../src/run/undo-run.ts'
import type {Warehouse} from '../../src/warehouse/warehouse.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION} from './scripted-run.ts'

/** Undoes a run as the command does, in production unless another mode is given. The warehouse is opened by the identity of that mode. */
export const undo = async (
  open: () => Warehouse,
  runId: string,
  {mode = 'production', ...more}: Partial<RunToUndo> = {},
): Promise<UndoReport> =>
  withRunMode(mode, async () =>
    undoRun({
      warehouse: open(),
      production: PRODUCTION,
      runId,
      through: false,
      mode,
      maskSecrets: (text) => text,
      planned: () => {},
      ...more,
    }),
  )
