// oxlint-disable-next-line no-control-regex -- finding them is the point
const BREAKS = /[\s\u0000-\u001F\u007F-\u009F]+/g

/** Text from outside, fit for a line on a screen and for any warehouse: no line ends, no lone surrogates, not too long. */
export function oneLine(text: string, longest: number): string {
  const whole = text.length <= longest ? text : `${text.slice(0, longest)}…`
  return whole.toWellFormed().replaceAll(BREAKS, ' ').trim()
}
