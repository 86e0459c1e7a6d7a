const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
  null: 'nothing',
  undefined: 'nothing',
}

const BOUNDS: Readonly<Record<string, string>> = {
  '>=': 'at least',
  '>': 'more than',
  '<=': 'at most',
  '<': 'less than',
  'exactly ': 'exactly',
}

const oneOf = (list: string): string =>
  new Intl.ListFormat('en', {type: 'disjunction'}).format(
    list.split('|').map((word) => word.trim().replaceAll(/^["']|["']$/g, '')),
  )

/** These are the messages of zod, which name its own types and ideas, and what they mean. */
const RULES: readonly (readonly [message: RegExp, words: (...found: readonly string[]) => string])[] = [
  [
    /^Invalid input: expected (\w+), received (\w+)$/,
    (wanted = '', given = '') => `expected ${KINDS[wanted] ?? wanted}, not ${KINDS[given] ?? given}`,
  ],
  [/^Invalid input: expected (.+)$/, (list = '') => `expected ${oneOf(list)}`],
  [/^Invalid option: expected one of (.+)$/, (list = '') => `expected ${oneOf(list)}`],
  [/^Invalid discriminator value. Expected (.+)$/, (list = '') => `expected ${oneOf(list)}`],
  [
    /^Too (?:small|big): expected \w+ to (?:be|have) (>=|<=|>|<|exactly )(\S+)(?: (\w+))?$/,
    (bound = '', size = '', unit = 'a number') =>
      unit === 'a number'
        ? `expected a number that is ${BOUNDS[bound]} ${size}`
        : `expected ${BOUNDS[bound]} ${size} ${size === '1' ? unit.replace(/s$/, '') : unit}`,
  ],
  [/^Invalid string: must (.+)$/, (rule = '') => `must ${rule}`],
  [/^Invalid number: must (.+)$/, (rule = '') => `must ${rule}`],
  [/^Invalid URL$/, () => 'expected an address, such as https://example.com'],
  [/^Invalid (?:input|value in \w+|key in \w+)$/, () => 'cannot be this'],
  [/^Invalid (.+)$/, (format = '') => `this is no ${format}`],
]

/** Says in plain words what a schema validator found; a message that is none of its own stays as it is. */
export function inPlainWords(message: string): string {
  for (const [pattern, words] of RULES) {
    const found = pattern.exec(message)
    if (found !== null) return words(...found.slice(1))
  }
  return message
}
