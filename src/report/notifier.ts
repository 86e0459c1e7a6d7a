import {spawn} from 'node:child_process'
import {once} from 'node:events'

import type {Config} from '../config/config.ts'
import {assertVariablesAreSet, resolveVariables, mapStrings} from '../config/variables.ts'
import {errorMemberOf} from '../base/error-output.ts'
import {messageWithCauses, outcomeOf, usageError} from '../base/errors.ts'
import type {Mask} from '../base/mask.ts'
import {throughProxy} from '../base/proxy.ts'
import {isSafeAddress} from '../base/safe-address.ts'
import {writesProduction} from '../model/run-mode.ts'
import {outcomeOfRun, type FinishedRun} from '../run/finished-run.ts'
import type {Notifier} from '../run/run-observer.ts'
import type {NotificationDocument} from './documents/notification.ts'
import {runMemberOf} from './run-summary.ts'
import {readPastRuns, type PastRun} from '../run/past-runs.ts'
import {formatSchemaChanges} from './schema-text.ts'
import type {Logger} from '../source.ts'
import {connectionProblem} from '../sources/http/connection-problem.ts'
import {send} from '../sources/http/send.ts'
import {openWarehouse} from '../warehouse/open-warehouse.ts'

const WEBHOOK_TIMEOUT = 10_000
const COMMAND_TIMEOUT = 60_000
/** Fewer earlier runs than these say nothing of what is usual. */
const FEWEST_RUNS = 5
const USUAL_SHARE = 0.8

export function createNotifier(config: Config, mask: Mask, log: Logger): Notifier | undefined {
  const written = config.notifications
  if (written === undefined) return undefined
  assertVariablesAreSet('notifications', written, config)
  const {webhook, command} = resolveVariables(written, config.environment) as typeof written
  if (webhook !== undefined) {
    mask.add(webhook)
    assertAddress(webhook, config)
  }
  const tell = async (notification: NotificationDocument): Promise<void> => {
    const document = JSON.stringify(mapStrings(notification, mask.apply))
    if (webhook !== undefined) await logged(log, 'webhook', async () => post(webhook, document))
    if (command !== undefined) await logged(log, 'command', async () => pipeTo(command, document, config.folder))
  }
  return {
    async finished(run) {
      const {mode, job} = run.description
      const outcome = outcomeOfRun(run.report)
      if (!writesProduction(mode) || outcome === 'interrupted') return
      const document = runMemberOf(run, mask.apply)
      if (run.report.error !== undefined) {
        const text = `lorchestra: ${job} failed: ${mask.apply(messageWithCauses(run.report.error))}`
        await tell({schema: 1, event: 'run.failed', text, run: document})
        return
      }
      const trouble = await degradation(run, config, log)
      if (trouble === undefined) return
      await tell({schema: 1, event: 'run.degraded', text: `lorchestra: ${job} is degraded: ${trouble}`, run: document})
    },
    async refused(job, error) {
      if (outcomeOf(error) === 'interrupted') return
      const text = `lorchestra: ${job} failed: ${mask.apply(messageWithCauses(error))}`
      await tell({schema: 1, event: 'run.failed', text, run: {job, error: errorMemberOf(error, mask.apply)}})
    },
  }
}

async function degradation({report, description, limited}: FinishedRun, config: Config, log: Logger) {
  const {counts, firstRejects, schema} = report
  if (firstRejects > 0) return `${firstRejects} records were rejected for the first time`
  const [changed] = schema.policy === 'warn' ? formatSchemaChanges(description.job, schema.changes) : []
  if (changed !== undefined) return changed
  if (limited || counts.listed + counts.extracted > 0) return undefined
  try {
    return (await usuallyFindsSomething(config, description.job))
      ? 'nothing was read, and usually there is something'
      : undefined
  } catch (error) {
    log.warn(`whether ${description.job} usually reads something could not be found out: ${messageWithCauses(error)}`)
    return undefined
  }
}

async function usuallyFindsSomething(config: Config, job: string): Promise<boolean> {
  const runs = await readPastRuns(await openWarehouse(config.warehouse), config.warehouse.tables, {job, limit: 21})
  const earlier = runs
    .filter(({mode, outcome}) => writesProduction(mode) && outcome === 'done')
    .filter(isReading)
    .slice(1)
  const found = earlier.filter(({counts}) => counts.listed + counts.extracted > 0)
  return earlier.length >= FEWEST_RUNS && found.length >= earlier.length * USUAL_SHARE
}

const isReading = ({promotes, undoes}: PastRun): boolean => promotes.length + undoes.length === 0

function assertAddress(webhook: string, config: Config): void {
  const url = URL.canParse(webhook) ? new URL(webhook) : undefined
  if (url !== undefined && isSafeAddress(url)) return
  throw usageError(`${config.shownPath}: notifications.webhook is not an address with https`, {
    code: 'E_CONFIG_INVALID',
    next: 'Give the whole address, from https:// on; http is for this machine only.',
  })
}

async function logged(log: Logger, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.warn(`the ${what} of notifications failed: ${messageWithCauses(error)}`)
  }
}

async function post(webhook: string, body: string): Promise<void> {
  const url = new URL(webhook)
  const headers = {'content-type': 'application/json', 'user-agent': 'lorchestra'}
  const signal = AbortSignal.timeout(WEBHOOK_TIMEOUT)
  let status: number
  try {
    const answer = await send(url, {method: 'POST', headers, body, signal})
    answer.body.destroy()
    status = answer.status
  } catch (error) {
    const {problem} = connectionProblem(error, url)
    throw new Error(signal.aborted ? `no answer within ${WEBHOOK_TIMEOUT / 1000} s${throughProxy(url)}` : problem, {
      cause: error,
    })
  }
  if (status < 200 || status >= 300) throw new Error(`it answered ${status}`)
}

/** Runs the program without a shell; the document comes on its standard input. */
async function pipeTo([program = '', ...args]: readonly string[], document: string, cwd: string): Promise<void> {
  const child = spawn(program, args, {cwd, stdio: ['pipe', process.stderr, process.stderr], timeout: COMMAND_TIMEOUT})
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  // A program that does not read what it is told is no failure of its own.
  child.stdin.on('error', () => undefined)
  child.stdin.end(document)
  const [code, signal] = await closed
  if (code !== 0) throw new Error(`${program} ended with ${code === null ? String(signal) : `exit code ${code}`}`)
}
