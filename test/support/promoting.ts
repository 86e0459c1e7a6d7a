import {promoteJob, type PromoteRequest, type PromotionReport} from '../../src/run/promote-job.ts'
import type {Warehouse} from '../../src/warehouse/warehouse.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION} from './scripted-run.ts'

/** Promotes what test runs of these scopes have stored as the command does, to production unless another mode is given. The warehouse is opened by the identity of that mode. */
export const promote = async (
  open: () => Warehouse,
  {mode = 'production', ...more}: Partial<PromoteRequest> & Pick<PromoteRequest, 'scopes'>,
): Promise<PromotionReport> =>
  withRunMode(mode, async () =>
    promoteJob({
      warehouse: open(),
      production: PRODUCTION,
      diffSamples: 0,
      hiddenPaths: [],
      mode,
      changed: 'refuse',
      maskSecrets: (text) => text,
      ...more,
    }),
  )
