import {distance} from 'fastest-levenshtein'

/** Finds the candidate that somebody probably meant, if there is one. */
export function closeMatch(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let fewestEdits = Math.ceil(word.length * 0.4) + 1
  for (const candidate of candidates) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase())
    if (edits >= fewestEdits) continue
    best = candidate
    fewestEdits = edits
  }
  return best
}

/** Gives one line of advice for a name that is not among `candidates`. */
export function adviseOn(word: string, candidates: readonly string[], none: string): string {
  const meant = closeMatch(word, candidates)
  if (meant !== undefined) return `Did you mean ${JSON.stringify(meant)}?`
  return candidates.length === 0 ? none : `There is: ${candidates.join(', ')}.`
}
