import {parseDuration, parseInstant} from '../base/time.ts'
import {resolveVariables, variablesIn} from '../config/variables.ts'
import {parseYamlFile} from '../config/yaml-file.ts'
import {NAME} from '../model/name.ts'
import type {Source} from '../source.ts'
import type {ConformanceSetup} from './setup.ts'
import {contextFor, streamsOf} from './reading.ts'
import {SMALL, withTrial} from './trial.ts'

export const checkDescription = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const {source} = setup
    if (!NAME.test(source.name)) throw new Error(`${JSON.stringify(source.name)} is no name: it must match ${NAME}`)
    if (source.summary.trim() === '') throw new Error('it has no summary for `lorchestra sources list`')
    const {overlap, slice, settle, earliest} = source.defaults ?? {}
    for (const duration of [overlap, slice, settle]) if (duration !== undefined) parseDuration(duration)
    if (earliest !== undefined) parseInstant(earliest)
    await checkStarter(source)
    const {unitsPerMinute} = source.rateLimit?.(trial.options) ?? {unitsPerMinute: 1}
    if (!(unitsPerMinute > 0))
      throw new Error(`a rate limit of ${unitsPerMinute} units per minute lets nothing through`)
    // Throws where they are named wrongly.
    const streams = streamsOf(trial)
    const {records, units} = (await source.estimate?.(contextFor(trial, streams))) ?? {records: 0, units: 0}
    if (!(records >= 0 && units >= 0)) throw new Error(`its estimate is ${records} records and ${units} units`)
    const explored: unknown = await source.explore?.(contextFor(trial, streams))
    if (source.explore !== undefined && (typeof explored !== 'string' || explored === ''))
      throw new Error('explore() says no text')
    if (source.check === undefined) return
    const [first, second] = [
      await source.check(contextFor(trial, streams)),
      await source.check(contextFor(trial, streams)),
    ]
    if (first !== undefined && (typeof first.identity !== 'string' || first.identity === ''))
      throw new Error('check() names no identity')
    if (first?.identity !== second?.identity) {
      throw new Error(
        'check() names two identities for one account, and the host would refuse the second as somebody else',
      )
    }
  })

/** What `init` writes must be what a job may say, once its variables are set. */
async function checkStarter({starter, options}: Source): Promise<void> {
  if (starter === undefined) return
  const written = parseYamlFile(`${starter.account}\n${starter.job}`, 'starter').value ?? {}
  const environment = Object.fromEntries(variablesIn(written).map((name) => [name, 'set']))
  const {issues = []} = await options['~standard'].validate(resolveVariables(written, environment))
  const [first] = issues
  if (first !== undefined) throw new Error(`its options refuse what its starter says: ${first.message}`)
}
