import {readFile} from 'node:fs/promises'

const KNOWN = ['file', 'labels', 'token', 'query']

function validate(options) {
  const issues = Object.keys(options)
    .filter((key) => !KNOWN.includes(key))
    .map((key) => ({message: 'there is no such option', path: [key]}))
  return issues.length > 0 ? {issues} : {value: options}
}

/** Names the current revision: the highest number among all notes and labels. */
const revisionOf = ({notes, labels}) => Math.max(0, ...[...notes, ...labels].map(({revision}) => revision))

const notebook = async ({options, resolvePath, parseJson = JSON.parse}) =>
  parseJson(await readFile(resolvePath(options.file), 'utf8'))

const currentBookmark = async (context) => ({revision: revisionOf(await notebook(context))})

/** Works with lorchestra before 0.1.0 was finished, too: it called `currentBookmark` `mark`. */
export default {
  apiVersion: 1,
  name: 'notebook',
  summary: 'notes and labels of a JSON file',
  options: {'~standard': {version: 1, vendor: 'notebook', validate}},
  secrets: ['token'],
  selection: ['query'],
  streams: ({labels}) => [
    {objectType: 'note', windowed: true},
    ...(labels === true ? [{objectType: 'label', windowed: false}] : []),
  ],
  idemKey({id}, {objectType, sourceSystem}) {
    if (typeof id !== 'string') throw new Error('it has no id')
    return `${objectType}:${sourceSystem}:${id}`
  },
  mark: currentBookmark,
  currentBookmark,
  async check({options, secrets}) {
    if (options.token !== undefined) await secrets.update('token', (kept) => kept ?? `${options.token}-rotated`)
    return {identity: 'ada@example.com'}
  },
  async *extract(context) {
    const {bookmark, window, streams} = context
    const {notes, labels} = await notebook(context)
    const since = window.since ?? new Date(-8.64e15)
    const of = (objectType) => streams.find((stream) => stream.objectType === objectType)
    for (const [objectType, all] of [
      ['note', notes],
      ['label', labels],
    ]) {
      const stream = of(objectType)
      if (stream === undefined) continue
      const wanted = all.filter(({at, revision}) => {
        if (bookmark !== undefined) return revision > bookmark.revision
        return objectType === 'label' || (new Date(at) >= since && new Date(at) < window.until)
      })
      if (wanted.some(({hang}) => hang)) await new Promise((resolve) => setTimeout(resolve, 60_000))
      if (wanted.some(({fail}) => fail)) throw new Error('the notebook is closed')
      const gone = wanted.filter((one) => one.deleted)
      const deleted = gone.map(({id}) => `${objectType}:${stream.sourceSystem}:${id}`)
      yield {objectType, records: wanted.filter((one) => !one.deleted), ...(bookmark !== undefined && {deleted})}
    }
  },
}
