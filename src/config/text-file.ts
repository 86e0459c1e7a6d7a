import {readFile} from 'node:fs/promises'

import {usageError} from '../base/errors.ts'

/** Reads a file of text that a person wrote, without its byte order mark. Throws a usage error where it is not UTF-8. */
export async function readTextFile(path: string, shownPath = path): Promise<string> {
  const bytes = await readFile(path)
  if (isUtf16(bytes)) {
    throw usageError(`${shownPath} is UTF-16, as PowerShell writes it`, {
      code: 'E_CONFIG_INVALID',
      next: `Save it as UTF-8. In PowerShell: (Get-Content '${shownPath}') | Set-Content -Encoding utf8 '${shownPath}'`,
    })
  }
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes)
  } catch (error) {
    throw usageError(`${shownPath} is not UTF-8 text`, {
      code: 'E_CONFIG_INVALID',
      next: 'Save it as UTF-8.',
      cause: error,
    })
  }
}

/** UTF-16 has a byte that is 0 for each letter of ASCII, also where no byte order mark stands before them. */
const isUtf16 = (bytes: Buffer): boolean =>
  (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff) || bytes.includes(0)
