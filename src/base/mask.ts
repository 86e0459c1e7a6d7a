import {oneLine} from './errors.ts'

/** Stands where something was hidden. */
export const HIDDEN = '***'
// Shorter values would mask ordinary words.
const SHORTEST_SECRET = 4
/** A part of a secret (a line of a key, the inside of its base64) is masked where it is so long that it is no word. */
const SHORTEST_PART = 8

/**
 * Replaces every secret value that was handed to the run, wherever it turns up in a text, and however it was written into it. Apply
 * it to a text before that is cut or joined with others.
 */
export interface Mask {
  readonly add: (secret: string) => void
  readonly apply: (text: string) => string
}

export function createMask(): Mask {
  const spellings = new Set<string>()
  let longestFirst: readonly string[] | undefined
  return {
    add(secret) {
      if (secret.length < SHORTEST_SECRET) return
      for (const spelling of spellingsOf(secret)) spellings.add(spelling)
      longestFirst = undefined
    },
    apply(text) {
      // Of two that begin alike the shorter one would leave the end of the longer.
      longestFirst ??= [...spellings].toSorted((one, other) => other.length - one.length)
      return longestFirst.reduce((masked, spelling) => masked.replaceAll(spelling, HIDDEN), text)
    },
  }
}

function spellingsOf(secret: string): readonly string[] {
  const lines = secret.split(/[\r\n]+/)
  const parts = lines.length > 1 ? lines.map((line) => line.trim()).filter((line) => line.length >= SHORTEST_PART) : []
  // What is told in one line has its breaks, control characters and runs of blanks made one blank.
  const inOneLine = oneLine(secret, secret.length)
  return [secret, secret.trim(), inOneLine, ...parts]
    .filter((text) => text.length >= SHORTEST_SECRET)
    .flatMap((text) => [text, ...escapedSpellings(text), ...base64Spellings(text)])
}

function escapedSpellings(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const percent = encodeURIComponent(text.toWellFormed())
  const form = new URLSearchParams({text}).toString().slice('text='.length)
  const lowerCase = percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())
  return [json, JSON.stringify(json).slice(1, -1), percent, lowerCase, form]
}

/** A text looks different in base64 at each of three offsets, as in `user:secret`; its first and last characters depend on its neighbours. */
function base64Spellings(text: string): readonly string[] {
  const bytes = Buffer.from(text)
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '')
    const first = offset === 0 ? 0 : offset + 1
    const complete = Math.floor(((offset + bytes.length) * 8) / 6)
    const inside = encoded.slice(first, complete)
    if (inside.length < SHORTEST_PART) return []
    return [inside, inside.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
