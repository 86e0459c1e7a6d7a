import {CASES, type CaseResult} from './cases.ts'

const WIDTH = 720
const BAR = 18
const GAP = 14
const LEFT = 250
const RIGHT = 130
const TOP = 56
const OURS = '#2563eb'
const FLOOR = '#9ca3af'

/** Records a second, ours above the floor's, for every case and size. */
export function drawBench(results: readonly CaseResult[]): string {
  const groups = CASES.flatMap((name) => results.filter((result) => result.case === name))
  const fastest = Math.max(
    ...groups.flatMap(({floor, lorchestra}) => [floor.recordsPerSecond, lorchestra.recordsPerSecond]),
  )
  const scale = (WIDTH - LEFT - RIGHT) / fastest
  const height = TOP + groups.length * (2 * BAR + GAP) + 8
  const bar = (y: number, value: number, color: string, note: string): string =>
    `<rect x="${LEFT}" y="${y}" width="${(value * scale).toFixed(1)}" height="${BAR - 2}" fill="${color}"/>` +
    `<text x="${(LEFT + value * scale + 6).toFixed(1)}" y="${y + BAR - 6}">${count(value)}${note}</text>`
  const rows = groups.map(({records, case: name, floor, lorchestra, ratio}, index) => {
    const y = TOP + index * (2 * BAR + GAP)
    return [
      `<text x="${LEFT - 10}" y="${y + BAR + 3}" text-anchor="end">${name}, ${count(records)} records</text>`,
      bar(y, lorchestra.recordsPerSecond, OURS, ` (${ratio.toFixed(2)})`),
      bar(y + BAR, floor.recordsPerSecond, FLOOR, ''),
    ].join('\n')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#374151">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="10" y="22" font-size="15" font-weight="600">Records of 2 KB a second into DuckDB</text>`,
    `<rect x="10" y="33" width="12" height="12" fill="${OURS}"/><text x="28" y="43">lorchestra (and its part of the floor)</text>`,
    `<rect x="${LEFT}" y="33" width="12" height="12" fill="${FLOOR}"/><text x="${LEFT + 18}" y="43">the floor: a plain loop, read_json and one MERGE</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n')
}

export const count = (value: number): string => Math.round(value).toLocaleString('en-US')
