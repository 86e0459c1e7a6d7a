import type {JsonObject, Page, Source, SourceContext, Stream} from '../../src/source.ts'

interface Entry {
  readonly sequence: number
  readonly type: 'note' | 'folder'
  readonly id: string
  /** `undefined`: deleted. */
  readonly content?: JsonObject
}

/**
 * A service without any time: notes and folders, and a feed of what changed since a position in it. Together with
 * Gmail it uses all that the contract has.
 */
export class Notebook {
  readonly #feed: Entry[] = []
  /** Positions before this are no longer answered. */
  oldestPosition = 0

  put(type: Entry['type'], id: string, content: JsonObject): void {
    this.#feed.push({sequence: this.position + 1, type, id, content: {id, ...content}})
  }

  remove(type: Entry['type'], id: string): void {
    this.#feed.push({sequence: this.position + 1, type, id})
  }

  get position(): number {
    return this.#feed.length
  }

  since(position: number): readonly Entry[] | 'expired' {
    return position < this.oldestPosition ? 'expired' : this.#feed.filter(({sequence}) => sequence > position)
  }

  all(): readonly Entry[] {
    const newest = new Map(this.#feed.map((entry) => [`${entry.type}/${entry.id}`, entry]))
    return [...newest.values()].filter(({content}) => content !== undefined)
  }
}

export interface NotebookOptions {
  readonly notebook: Notebook
  /** Called between asking for the bookmark and reading. */
  readonly meanwhile?: () => void
}

interface NotebookSource extends Source<NotebookOptions> {
  readonly reads: ('everything' | 'changes')[]
}

export function notebookSource(feedFrom: 'currentBookmark' | 'pages'): NotebookSource {
  const reads: ('everything' | 'changes')[] = []
  return {
    apiVersion: 1,
    name: 'notebook',
    summary: 'notes and folders, without any time',
    options: {'~standard': {version: 1, vendor: 'test', validate: (value) => ({value: value as NotebookOptions})}},
    reads,
    streams: () => [
      {objectType: 'note', windowed: false},
      {objectType: 'folder', windowed: false},
    ],
    idemKey: (record, {objectType, sourceSystem}) => `${objectType}:${sourceSystem}:${String(record['id'])}`,
    ...(feedFrom === 'currentBookmark' && {
      currentBookmark: ({options}: SourceContext<NotebookOptions>) => {
        const {position} = options.notebook
        options.meanwhile?.()
        return Promise.resolve(position)
      },
    }),
    async *extract({options: {notebook}, bookmark, streams, log}) {
      const position = notebook.position
      const changes = typeof bookmark === 'number' ? notebook.since(bookmark) : undefined
      if (changes === 'expired') log.warn('the position in the feed has expired; reading everything')
      reads.push(Array.isArray(changes) ? 'changes' : 'everything')
      const entries = changes === undefined || changes === 'expired' ? notebook.all() : changes
      for (const stream of streams) yield await Promise.resolve(pageOf(entries, stream))
      if (feedFrom === 'pages') yield {objectType: 'note', records: [], bookmark: position}
    },
  }
}

function pageOf(entries: readonly Entry[], stream: Stream): Page {
  const {objectType, sourceSystem} = stream
  const own = entries.filter(({type}) => type === objectType)
  return {
    objectType,
    records: own.flatMap(({content}) => (content === undefined ? [] : [content])),
    deleted: own.filter(({content}) => content === undefined).map(({id}) => `${objectType}:${sourceSystem}:${id}`),
  }
}
