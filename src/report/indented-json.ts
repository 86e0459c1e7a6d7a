import {isNestedDeeperThan} from '../base/json-text.ts'
import {endOfText} from '../base/json-tokens.ts'

const STEP = '  '
/** What is nested deeper stays on one line: its indents would be longer than itself. */
const DEEPEST = 100

/** Puts each member on a line of its own. The text is not parsed, so that every number keeps its digits. */
export function indentJson(json: string): string {
  if (isNestedDeeperThan(json, DEEPEST)) return json
  let indented = ''
  let depth = 0
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at] as string
    if (character === '"') {
      const end = endOfText(json, at)
      if (end < 0) return json
      indented += json.slice(at, end + 1)
      at = end
    } else if (character === '{' || character === '[') {
      const closing = firstPlaceAfterBlanks(json, at + 1)
      if (json[closing] === '}' || json[closing] === ']') {
        indented += character + (json[closing] as string)
        at = closing
      } else {
        depth += 1
        indented += `${character}\n${STEP.repeat(depth)}`
      }
    } else if (character === '}' || character === ']') {
      depth -= 1
      indented += `\n${STEP.repeat(depth)}${character}`
    } else if (character === ',') indented += `,\n${STEP.repeat(depth)}`
    else if (character === ':') indented += ': '
    else if (!isBlank(character)) indented += character
  }
  return indented
}

const isBlank = (character: string | undefined): boolean => character !== undefined && ' \t\r\n'.includes(character)

function firstPlaceAfterBlanks(json: string, from: number): number {
  let at = from
  while (isBlank(json[at])) at += 1
  return at
}
