import type {JsonObject, SourceContext} from 'lorchestra'

import {get} from './api.ts'
import type {Options} from './options.ts'

const MANY = 30

// Labels outlive a slice. Weakly by the account's options, so that no other account can meet them.
const idsByOptions = new WeakMap<Options, readonly string[]>()

/** Finds the ids of the labels that the options name; messages.list knows them by nothing else. */
export async function labelIds(context: SourceContext<Options>): Promise<readonly string[]> {
  const {options} = context
  const wanted = options.labels ?? []
  const known = wanted.length === 0 ? wanted : idsByOptions.get(options)
  if (known !== undefined) return known
  const {body} = await get(context, 'labels', {})
  const labels = labelsOf(body)
  const ids = wanted.map((name) => idOf(name, labels))
  idsByOptions.set(options, ids)
  return ids
}

interface Label {
  readonly id: string
  readonly name: string
}

function labelsOf({labels}: JsonObject): readonly Label[] {
  if (!Array.isArray(labels)) {
    throw new Error('the answer of labels.list holds no list of labels; check that api_url is the Gmail API')
  }
  return (labels as readonly Partial<Label>[]).filter(
    (label): label is Label => typeof label.id === 'string' && typeof label.name === 'string',
  )
}

function idOf(wanted: string, labels: readonly Label[]): string {
  const same = (text: string): boolean => text.toLowerCase() === wanted.toLowerCase()
  const found = labels.find(({id}) => id === wanted) ?? labels.find(({name}) => same(name))
  if (found !== undefined) return found.id
  const names = labels.map(({name}) => name)
  const rest = names.length > MANY ? ` and ${names.length - MANY} more` : ''
  throw new Error(
    `the mailbox has no label ${JSON.stringify(wanted)}. Correct labels: in the job; there is ${names.slice(0, MANY).join(', ')}${rest}`,
  )
}
