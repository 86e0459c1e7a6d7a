/** Writes a name as a segment of a path of RFC 6901. */
export const segmentFor = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

/** Writes a path as RFC 6901 does. */
export const pointerTo = (names: readonly string[]): string => names.map((name) => `/${segmentFor(name)}`).join('')

/** Gives the names that lead to what a path of RFC 6901 means; that is not checked, and begins with a slash. */
export const namesIn = (pointer: string): readonly string[] =>
  pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
