import type {JsonObject} from 'lorchestra'

import {entityIn, mailPart, type Header} from './mail-part.ts'

/** What Takeout calls labels that the Gmail API has names of its own for; of those without one it tells nothing. */
const LABELS: Readonly<Record<string, string | undefined>> = {
  Inbox: 'INBOX',
  Sent: 'SENT',
  Important: 'IMPORTANT',
  Starred: 'STARRED',
  Unread: 'UNREAD',
  Trash: 'TRASH',
  Spam: 'SPAM',
  Chat: 'CHAT',
  Drafts: 'DRAFT',
  Draft: 'DRAFT',
  Opened: undefined,
  Archived: undefined,
}

/**
 * Makes a record of a message, as the Gmail API gives it in the format `full`. Takeout writes the message's number in the line that
 * begins it, and the thread's in a header: in decimal, where the API has them in hexadecimal.
 */
export function mailRecord(separator: string, text: string): JsonObject {
  const entity = entityIn(text.replaceAll(/^>(>*From )/gm, '$1'))
  const valueOf = (name: string): string | undefined =>
    entity.headers.find((header: Header) => header.name.toLowerCase() === name)?.value
  const id = hexadecimal(/^From (\d+)@xxx\b/.exec(separator)?.[1] ?? valueOf('x-gm-msgid'))
  const threadId = hexadecimal(valueOf('x-gm-thrid'))
  const labels = valueOf('x-gmail-labels')
  const internalDate = dateIn(separator)
  return {
    ...(id !== undefined && {id}),
    ...(threadId !== undefined && {threadId}),
    ...(labels !== undefined && {labelIds: labelsIn(labels)}),
    payload: mailPart(entity),
    sizeEstimate: text.length,
    ...(internalDate !== undefined && {internalDate}),
  }
}

const hexadecimal = (number: string | undefined): string | undefined =>
  number !== undefined && /^\d{15,20}$/.test(number) ? BigInt(number).toString(16) : undefined

function labelsIn(text: string): readonly string[] {
  const names = [...text.matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)].map(
    ([, quoted, plain = '']) => quoted ?? plain.trim(),
  )
  return names.flatMap((name) => {
    if (name === '') return []
    const [, category] = /^Category (\w+)$/.exec(name) ?? []
    if (category !== undefined) return [`CATEGORY_${category.toUpperCase()}`]
    const known = Object.hasOwn(LABELS, name) ? LABELS[name] : name
    return known === undefined ? [] : [known]
  })
}

const DATE = /\w{3} (\w{3}) +(\d{1,2}) (\d\d:\d\d(?::\d\d)?)(?: ([+-]\d{4}|[A-Z]{1,4}))? (\d{4})(?: ([+-]\d{4}))?\s*$/

/** Gives milliseconds since 1970, as text, where the line tells when the message was received. */
function dateIn(separator: string): string | undefined {
  const [, month, day, time, zone, year, zoneBehind] = DATE.exec(separator) ?? []
  const at = Date.parse(`${day} ${month} ${year} ${time} ${zone ?? zoneBehind ?? '+0000'}`)
  return Number.isNaN(at) ? undefined : String(at)
}
