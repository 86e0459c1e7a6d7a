import {readFileSync} from 'node:fs'

export interface Import {
  readonly specifier: string
  /** Only types, which are gone when the program runs. */
  readonly type: boolean
  readonly lazy: boolean
}

/** All imports of a file, also those of types alone and those with `await import()`. */
export function importsOf(file: string): readonly Import[] {
  const text = readFileSync(file, 'utf8')
  const found: Import[] = []
  for (const match of text.matchAll(/^(?:import|export)\s(type\b)?([^'"]*?)\sfrom\s+['"]([^'"]+)['"]/gms)) {
    const names = (match[2] ?? '').trim()
    const onlyTypes =
      match[1] !== undefined ||
      (names.startsWith('{') &&
        names
          .slice(1, -1)
          .split(',')
          .every((name) => name.trim() === '' || name.trim().startsWith('type ')))
    found.push({specifier: match[3] ?? '', type: onlyTypes, lazy: false})
  }
  for (const match of text.matchAll(/^import\s+['"]([^'"]+)['"]/gm))
    found.push({specifier: match[1] ?? '', type: false, lazy: false})
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    found.push({specifier: match[1] ?? '', type: false, lazy: true})
  return found
}

export const isRelative = ({specifier}: Import): boolean => specifier.startsWith('.')
