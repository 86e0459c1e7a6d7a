import {isDeepStrictEqual} from 'node:util'

import {createMask} from '../base/mask.ts'
import {asError, messageWithCauses} from '../base/errors.ts'
import {CAPABILITIES} from '../model/capability.ts'
import {StreamCounts} from '../model/counts.ts'
import {streamGroups} from '../run/stream-groups.ts'
import {readSlice} from '../run/read-slice.ts'
import {contextBetweenSlices} from '../run/source-context.ts'
import {pathsIn} from '../sources/box/grants.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import type {PluginToAsk} from '../sources/plugin-to-ask.ts'
import {findSources, loadSource, type SourceAccess} from '../sources/source-plugins.ts'
import {adviceFor} from './box-advice.ts'
import {NeedsSeen} from './needs-seen.ts'
import {packageOf} from './plugin-package.ts'
import {readerFor, SOURCE_SYSTEM} from './reading.ts'
import type {ConformanceSetup} from './setup.ts'
import {secretsOf, SMALL, withTrial, type Trial} from './trial.ts'

type Watch = Pick<SourceAccess, 'environment' | 'printed'>

/** Runs the whole plugin as lorchestra will, and says in its author's words what it needs and does not get there. */
export const checkBox = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    const plugin = packageOf(setup)
    const problem = await problemInBox(trial, plugin)
    if (problem === undefined) return
    const said = `in a box, ${messageWithCauses(problem)}`
    const advice = adviceFor(problem)
    if (advice !== undefined) throw new Error(`${said}; ${advice}`, {cause: problem})
    // No error says it: the source is run again to see what it asks for.
    const needs = new NeedsSeen()
    await problemInBox(trial, plugin, needs)
    throw new Error([said, ...needs.advice(), ...adviceOnOptions(trial)].join('; '), {cause: problem})
  })

async function problemInBox(trial: Trial, plugin: PluginToAsk, watch: Watch = {}): Promise<Error | undefined> {
  const {input, volume} = trial
  const mask = createMask()
  for (const secret of secretsOf(trial)) mask.add(secret)
  let close = async (): Promise<void> => Promise.resolve()
  try {
    const {source, box} = await load(trial, plugin, {...watch, mask})
    close = async () => {
      box.close()
      await box.gone
    }
    const validated = await source.options['~standard'].validate(asJson(input))
    if (validated.issues !== undefined)
      throw new Error(`its options are refused: ${validated.issues.map(({message}) => message).join('; ')}`)
    const found = await read(trial, source, validated.value)
    return found === volume.records
      ? undefined
      : new Error(`it yielded ${found} of the ${volume.records} records of the test service`)
  } catch (error) {
    return asError(error)
  } finally {
    await close()
  }
}

async function load(
  {setup: {source}, input}: Trial,
  plugin: PluginToAsk,
  access: Omit<SourceAccess, 'folder' | 'paths' | 'allow'>,
) {
  const found = await findSources({getPluginsList: () => [plugin]})
  const names = found.sources.map(({descriptor}) => descriptor.name)
  const [failure] = found.failures
  if (failure !== undefined) throw new Error(failure.message, {cause: failure.cause})
  if (!names.includes(source.name))
    throw new Error(`the package ${plugin.name} has no source ${source.name}, only ${names.join(', ')}`)
  const folder = process.cwd()
  return loadSource(found, source.name, {...access, folder, paths: pathsIn(input, folder), allow: CAPABILITIES})
}

/** Asks the source all that a run asks it. Returns how many records it read. */
async function read(trial: Trial, source: HostedSource, options: unknown): Promise<number> {
  const {reader: own, keys} = readerFor(trial, {})
  const reader = {...own, source, options}
  const groups = streamGroups(source.streams(options), SOURCE_SYSTEM)
  const context = contextBetweenSlices(
    reader,
    groups.flatMap(({streams}) => streams),
  )
  await source.needsLogin?.(context)
  await source.check?.(context)
  await source.explore?.(context)
  await source.currentBookmark?.(context)
  await source.estimate?.(context)
  for (const {streams} of groups) {
    const counts = new StreamCounts(streams.map(({objectType}) => objectType))
    const window = {since: -Infinity, until: Date.now()}
    await readSlice(reader, {streams, window, limit: Infinity, rejectedBefore: 0, counts})
  }
  const listed = new Set<string>()
  for await (const page of source.listKeys?.(context) ?? []) for (const key of page) listed.add(key)
  if (source.listKeys !== undefined && listed.size !== new Set(keys).size)
    throw new Error(`it listed ${listed.size} keys, but read ${new Set(keys).size} records`)
  return new Set(keys).size
}

/** Says which options lorchestra.yaml could not hold: nothing but JSON gets into a box. */
function adviceOnOptions({input}: Trial): readonly string[] {
  const json = asJson(input)
  const lost = Object.keys(input).filter((name) => !isDeepStrictEqual(json[name], input[name]))
  return lost.length === 0
    ? []
    : [`of its options, ${lost.join(', ')} cannot stand in lorchestra.yaml, so a box gets none`]
}

const asJson = (input: Trial['input']): Readonly<Record<string, unknown>> =>
  JSON.parse(JSON.stringify(input)) as Record<string, unknown>
