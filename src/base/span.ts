const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Writes how long something took, as people say it: `12.41s`, `2 min 5 s`, `3 h 12 min`, `2 d 4 h`. */
export function formatSpan(milliseconds: number): string {
  if (milliseconds < MINUTE - 5) return `${(Math.max(0, milliseconds) / SECOND).toFixed(2)}s`
  const seconds = Math.round(milliseconds / SECOND)
  if (seconds < HOUR / SECOND) return parts([Math.floor(seconds / 60), 'min'], [seconds % 60, 's'])
  const minutes = Math.round(seconds / 60)
  if (minutes < DAY / MINUTE) return parts([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min'])
  const hours = Math.round(minutes / 60)
  return parts([Math.floor(hours / 24), 'd'], [hours % 24, 'h'])
}

const parts = (...all: readonly (readonly [number, string])[]): string =>
  all
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
