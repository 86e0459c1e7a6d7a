import {parseExactly} from '../../base/exact-json.ts'
import type {HttpClient, Source, SourceContext} from '../../source.ts'
import type {HostContext, HostedSource} from './hosted-source.ts'
import {KeyedPages} from './keyed-pages.ts'
import {recordKeys} from './keyed-record.ts'
import {ListedKeys} from './listed-keys.ts'
import {keysOfPayloads} from './payload-keys.ts'

export interface Surroundings {
  readonly http: HttpClient
  readonly resolvePath: (path: string) => string
}

type SurroundingsOfSource = Surroundings & Pick<SourceContext<unknown>, 'parseJson'>

/** Hosts a source in this very process: for tests of the host, and for the conformance suite. No command does. */
export function inProcessSource(source: Source, {http, resolvePath}: Surroundings): HostedSource {
  const within = <Context extends object>(context: Context): Context & SurroundingsOfSource => ({
    ...context,
    http,
    resolvePath,
    parseJson: parseExactly,
  })
  const asked = <Answer>(question: ((context: HostContext & SurroundingsOfSource) => Answer) | undefined) =>
    question === undefined ? undefined : (context: HostContext): Answer => question(within(context))
  const {apiVersion, name, summary, options, secrets, selection, narrowing, defaults, starter} = source
  const [estimate, currentBookmark, canResume, check, explore] = [
    asked(source.estimate?.bind(source)),
    asked(source.currentBookmark?.bind(source)),
    asked(source.canResume?.bind(source)),
    asked(source.check?.bind(source)),
    asked(source.explore?.bind(source)),
  ]
  return {
    apiVersion,
    name,
    summary,
    options,
    ...(secrets !== undefined && {secrets}),
    ...(selection !== undefined && {selection}),
    ...(narrowing !== undefined && {narrowing}),
    ...(defaults !== undefined && {defaults}),
    ...(starter !== undefined && {starter}),
    streams: (given) => source.streams(given),
    ...(source.rateLimit !== undefined && {rateLimit: source.rateLimit.bind(source)}),
    extract: (context, limits) => {
      const pages = new KeyedPages(source, source.extract(within(context)), context, limits)
      return {[Symbol.asyncIterator]: () => pages}
    },
    keysOf: async ({stream, options: given}, payloads) =>
      Promise.resolve(keysOfPayloads(recordKeys(source, given), stream, payloads)),
    ...(source.listKeys !== undefined && {
      listKeys: (context: HostContext) => {
        const keys = new ListedKeys(source.listKeys?.(within(context)), context.signal)
        return {[Symbol.asyncIterator]: () => keys}
      },
    }),
    ...(estimate !== undefined && {estimate}),
    ...(explore !== undefined && {explore}),
    ...(currentBookmark !== undefined && {currentBookmark}),
    ...(canResume !== undefined && {canResume}),
    ...(check !== undefined && {check}),
    ...(source.needsLogin !== undefined && {needsLogin: source.needsLogin.bind(source)}),
  }
}
