/** Google writes "User-rate limit exceeded.  Retry after 2020-01-21T12:57:51.196Z", in the text alone. */
const RETRY_AFTER_TEXT = /retry after (\d{4}-\d\d-\d\dT[\d:.]+Z)/i
const SECONDS = /^(\d+(?:\.\d*)?)\s*(?:s|secs?|seconds?)?$/i
/** A date in the forms of RFC 9110 has a comma behind the weekday, or none at all. */
const DATES = /(?:[a-z]{3,9},\s*)?[^,]+/gi

/**
 * Counts the milliseconds that the server asks to wait: seconds or a date by its own clock, in Retry-After or in the error's
 * words. What stands between two servers may have added a second one: the longest counts.
 */
export function askedPause(headers: Headers, details: string): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? ''
  const seconds = value.split(',').flatMap((part) => SECONDS.exec(part.trim())?.[1] ?? [])
  if (seconds.length > 0) return Math.max(...seconds.map((one) => Math.ceil(Number(one) * 1000)))
  const written = /[a-z]/i.test(value) ? (value.match(DATES) ?? []) : [RETRY_AFTER_TEXT.exec(details)?.[1] ?? '']
  const dates = written.map((one) => Date.parse(one)).filter((date) => !Number.isNaN(date))
  if (dates.length === 0) return undefined
  const now = Date.parse(headers.get('date') ?? '')
  return Math.max(0, ...dates.map((date) => date - (Number.isNaN(now) ? Date.now() : now)))
}
