import {leftOut, settingsIn, type ExampleOwner, type Place} from '../../config/settings.ts'
import type {SourceDefaults} from '../../source.ts'

export interface SettingLines {
  /** Keys that have to be there, with what the user named. */
  readonly set: readonly string[]
  /** All others, each with an example behind a `#`, and what it means. */
  readonly commented: readonly string[]
}

/** Writes the keys of an account, or of a job that has one, as lines of YAML. */
export function settingLines(place: Place, owner: ExampleOwner, defaults: SourceDefaults | undefined): SettingLines {
  const set: string[] = []
  const commented: string[] = []
  for (const [key, setting] of settingsIn(place)) {
    if (place === 'job' && setting.refusedBesideAccount !== undefined) continue
    const example = setting.example(owner)
    const line = `${key}: ${typeof example === 'object' ? `[${example.join(', ')}]` : example}`
    if (setting.default === undefined) set.push(line)
    else commented.push(`# ${line} # ${inline(setting.description)}; left out: ${leftOut(setting.default, defaults)}`)
  }
  return {set, commented}
}

const inline = (sentence: string): string => (sentence[0] ?? '').toLowerCase() + sentence.slice(1).replace(/\.$/, '')
