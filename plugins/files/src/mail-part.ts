import type {JsonObject} from 'lorchestra'
import {decodeWords} from 'postal-mime'

/** Parts within each other, and of one message, that are looked into. */
const DEEPEST = 40
const MOST_PARTS = 2000

export interface Header {
  readonly name: string
  readonly value: string
}

/** A message or a part of one; text is as its bytes are, one character each. */
interface Entity {
  readonly headers: readonly Header[]
  readonly body: string
}

interface Field {
  readonly value: string
  readonly parameters: Readonly<Record<string, string>>
}

/** Splits a message, or a part, into headers and body. */
export function entityIn(text: string): Entity {
  const end = /^\r?\n|\r?\n\r?\n/.exec(text)
  const head = end === null ? text : text.slice(0, end.index)
  const lines = head.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)
  return {
    headers: lines.flatMap((line) => {
      const [, name, value] = /^([!-9;-~]+)[ \t]*:[ \t]*(.*)$/.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [{name, value: decodeWords(utf8Of(value)).trim()}]
    }),
    body: end === null ? '' : text.slice(end.index + end[0].length),
  }
}

/** Gives a part as the Gmail API does: text as base64url of UTF-8, and of what has a file name the size alone. */
export function mailPart(entity: Entity, partId = '', count = {parts: 0}, depth = 0): JsonObject {
  const {headers, body} = entity
  const {value: mimeType, parameters} = fieldOf(headers, 'content-type', 'text/plain')
  const disposition = fieldOf(headers, 'content-disposition', '').parameters
  const filename = decodeWords(disposition['filename'] ?? parameters['name'] ?? '')
  const part = {partId, mimeType, filename, headers: headers.map(({name, value}) => ({name, value}))}
  const within = partsOf(mimeType, parameters['boundary'], body)
  if (within.length > 0 && depth < DEEPEST) {
    const parts = within.flatMap((text, index) => {
      count.parts += 1
      if (count.parts > MOST_PARTS) return []
      return [mailPart(entityIn(text), partId === '' ? `${index}` : `${partId}.${index}`, count, depth + 1)]
    })
    return {...part, body: {size: 0}, parts}
  }
  const bytes = decoded(body, fieldOf(headers, 'content-transfer-encoding', '7bit').value)
  if (filename !== '') return {...part, body: {size: bytes.length}}
  const data = mimeType.startsWith('text/') ? inUtf8(bytes, parameters['charset']) : bytes
  return {...part, body: {size: data.length, data: data.toString('base64url')}}
}

function partsOf(mimeType: string, boundary: string | undefined, body: string): readonly string[] {
  if (mimeType === 'message/rfc822') return [body]
  if (!mimeType.startsWith('multipart/') || boundary === undefined || boundary === '') return []
  const literal = boundary.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
  const pieces = body.split(new RegExp(`(?:^|\\r?\\n)--${literal}(--)?[ \\t]*(?=\\r?\\n|$)`))
  const parts: string[] = []
  // The text before the first boundary is no part, nor is what follows the last one.
  for (let index = 1; index < pieces.length; index += 2) {
    if (pieces[index] !== undefined) break
    parts.push((pieces[index + 1] ?? '').replace(/^\r?\n/, ''))
  }
  return parts
}

function fieldOf(headers: readonly Header[], name: string, otherwise: string): Field {
  const text = headers.find((header) => header.name.toLowerCase() === name)?.value ?? otherwise
  const parameters: Record<string, string> = {}
  for (const [, key = '', quoted, plain] of text.matchAll(/;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g)) {
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain?.trim() ?? ''
    // RFC 2231: a long value comes in numbered pieces, and one with a star says how it is written.
    const [, plainKey = '', isWritten] = /^([^*]+)(?:\*\d+)?(\*)?$/.exec(key.toLowerCase()) ?? []
    parameters[plainKey] = (parameters[plainKey] ?? '') + (isWritten === undefined ? value : percentDecoded(value))
  }
  return {value: (text.split(';')[0] ?? '').trim().toLowerCase(), parameters}
}

function percentDecoded(value: string): string {
  const text = value.replace(/^[\w-]*'[\w-]*'/, '')
  try {
    return decodeURIComponent(text)
  } catch {
    // Another charset than UTF-8: the name is kept as it is written.
    return text
  }
}

function decoded(body: string, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(body, 'base64')
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'latin1')
  const text = body.replaceAll(/[ \t]*=[ \t]*\r?\n/g, '').replaceAll(/[ \t]+(?=\r?\n|$)/g, '')
  return Buffer.from(
    text.replaceAll(/=([\dA-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

function inUtf8(bytes: Buffer, charset = 'utf-8'): Buffer {
  try {
    return Buffer.from(new TextDecoder(charset).decode(bytes))
  } catch {
    // A charset that nobody knows.
    return bytes
  }
}

/** Headers should be ASCII; those that are not are UTF-8 today. */
const utf8Of = (value: string): string => Buffer.from(value, 'latin1').toString('utf8')
