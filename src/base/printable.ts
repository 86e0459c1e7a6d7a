// Control characters move a terminal's cursor or forge lines; the others turn the text around that follows (Unicode TR9).
// oxlint-disable-next-line no-control-regex -- finding them is the point
const UNPRINTABLE = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g

/** Makes a line from outside fit for a terminal: what could act on it is shown as its code. */
export const printable = (line: string): string =>
  line.replaceAll(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
