import {encode} from './charsets.ts'

export type Header = readonly [name: string, value: string]
export type TransferEncoding = '7bit' | '8bit' | 'quoted-printable' | 'base64'

/** A MIME entity: its own headers, and what stands below them. */
export interface Part {
  readonly headers: readonly Header[]
  readonly body: Buffer
}

export function text(
  content: string,
  {
    type = 'text/plain',
    charset = 'utf-8',
    encoding = '8bit',
  }: {readonly type?: string; readonly charset?: string; readonly encoding?: TransferEncoding} = {},
): Part {
  const bytes = encode(content.replaceAll('\n', '\r\n'), charset)
  return {
    headers: [
      ['Content-Type', `${type}; charset=${charset}`],
      ['Content-Transfer-Encoding', encoding],
    ],
    body: transferred(bytes, encoding),
  }
}

export function file(name: string, type: string, bytes: Buffer, contentId?: string): Part {
  // The old and the new way to write a file name; mail in the wild has both.
  const ascii = /^[ -~]*$/.test(name)
  const parameter = ascii ? `filename="${name}"` : `filename*=utf-8''${encodeURIComponent(name)}`
  const disposition = contentId === undefined ? 'attachment' : 'inline'
  return {
    headers: [
      ['Content-Type', ascii ? `${type}; name="${name}"` : type],
      ['Content-Disposition', `${disposition}; ${parameter}`],
      ['Content-Transfer-Encoding', 'base64'],
      ...(contentId === undefined ? [] : [['Content-ID', `<${contentId}>`] as const]),
    ],
    body: transferred(bytes, 'base64'),
  }
}

export function multipart(subtype: string, boundary: string, parts: readonly Part[]): Part {
  const bodies = parts.flatMap((part) => [Buffer.from(`--${boundary}\r\n`), bytesOf(part), Buffer.from('\r\n')])
  return {
    headers: [['Content-Type', `multipart/${subtype}; boundary="${boundary}"`]],
    body: Buffer.concat([...bodies, Buffer.from(`--${boundary}--\r\n`)]),
  }
}

export const bytesOf = ({headers, body}: Part): Buffer =>
  Buffer.concat([Buffer.from(`${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`), body])

/** A header value: as it is where it is ASCII, else in encoded words of RFC 2047. */
export function headerText(value: string, charset = 'utf-8'): string {
  if (/^[ -~]*$/.test(value)) return value.replaceAll(/(.{900}\S*) /g, '$1\r\n ')
  const pieces = Array.from(value).reduce<string[]>((words, character, index) => {
    if (index % 8 === 0) words.push('')
    words.push(`${words.pop() ?? ''}${character}`)
    return words
  }, [])
  return pieces
    .map((piece, index) => {
      const bytes = encode(piece, charset)
      if (index % 2 === 0) return `=?${charset}?B?${bytes.toString('base64')}?=`
      return `=?${charset}?Q?${[...bytes].map((byte) => `=${hex(byte)}`).join('')}?=`
    })
    .join('\r\n ')
}

function transferred(bytes: Buffer, encoding: TransferEncoding): Buffer {
  if (encoding === 'base64') return Buffer.from(bytes.toString('base64').replaceAll(/.{76}/g, '$&\r\n'))
  return encoding === 'quoted-printable' ? Buffer.from(quotedPrintable(bytes)) : bytes
}

function quotedPrintable(bytes: Buffer): string {
  const lines = bytes.toString('latin1').split('\r\n')
  return lines
    .map((line) =>
      line
        .replaceAll(/[^ -<>-~]| $/g, (character) => `=${hex(character.charCodeAt(0))}`)
        .replaceAll(/(?:=..|[^=]){70}(?=.)/g, '$&=\r\n'),
    )
    .join('\r\n')
}

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0')
