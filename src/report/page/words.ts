import {html, type Html} from './html.ts'

const NUMBER = new Intl.NumberFormat('en-US')
const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const formatNumber = (value: number): string => NUMBER.format(value)

export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${formatNumber(count)} ${count === 1 ? one : several}`

/** Writes `2026-01-31 12:00 UTC`. */
export const formatTime = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`

export const timeElement = (iso: string): Html => html`<time datetime="${iso}">${formatTime(iso)}</time>`

/** Writes `1.2 s`, `3 min 5 s` or `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < MINUTE) return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`
  const [unit, size, smaller, smallerSize] =
    seconds < HOUR ? ['min', MINUTE, 's', 1] : seconds < DAY ? ['h', HOUR, 'min', MINUTE] : ['d', DAY, 'h', HOUR]
  const whole = Math.floor(seconds / size)
  const rest = Math.floor((seconds % size) / smallerSize)
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smaller}`
}
