/** What differs from run to run and from machine to machine, and what stands for it while outputs are compared. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>'],
  [/-\d{14}-[0-9a-f]{8}\b/g, '-<run>'],
  // Of a file it matters whether it is the same as before.
  [/\| ([0-9a-f]{16}) \| \1 \|/g, '| <digest> | <same digest> |'],
  [/\| [0-9a-f]{16} \|/g, '| <digest> |'],
  [/(?<=\| )[0-9a-f]{16} \|/g, '<digest> |'],
  // What counts in milliseconds, and what Gmail counts changes of a mailbox by.
  [/\b\d{13,21}\b/g, '<count>'],
  [/\b\d+\.\d\ds\b|\b\d+ (?:s|min(?: \d+ s)?)\b/g, '<span>'],
  [/\b[\d.]+ [KMGT]B free\b/g, '<size> free'],
  [/\bv\d+\.\d+\.\d+\b/g, '<version>'],
  // Columns are as wide as what stands in them.
  [/(?<=\S) {2,}/g, '  '],
  [/ (?:x|textLength)="[\d.]+"/g, ''],
]

const lasting = (output: string): string =>
  PASSING.reduce((text, [passing, name]) => text.replaceAll(passing, name), output)

/** Names the first line in which two outputs differ but for what passes: times, spans, ids of runs, free space. */
export function firstDifference(recorded: string, now: string): {recorded: string; now: string} | undefined {
  const [former, latter] = [recorded, now].map((text) => text.split('\n'))
  for (let line = 0; line < Math.max(former?.length ?? 0, latter?.length ?? 0); line++) {
    const [one, other] = [former?.[line] ?? '(nothing)', latter?.[line] ?? '(nothing)']
    if (lasting(one) !== lasting(other)) return {recorded: one, now: other}
  }
  return undefined
}
