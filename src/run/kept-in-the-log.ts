import {sourceBug} from '../base/errors.ts'
import type {JsonValue} from '../source.ts'

/**
 * Throws where a source has the event log keep a secret for it. A mask would make something else of it, and whoever reads the log
 * could use it.
 */
export function assertHoldsNoSecret(what: string, value: JsonValue, maskSecrets: (text: string) => string): void {
  const texts: string[] = []
  const whole = JSON.stringify(value, (name, member: unknown) => {
    texts.push(name, ...(typeof member === 'string' ? [member] : []))
    return member
  })
  if ([whole, ...texts].every((text) => maskSecrets(text) === text)) return
  throw sourceBug(`the source gave ${what} that holds a secret, and nothing of it was stored`, {
    rule: 'the event log keeps it, and whoever reads that could use the secret',
  })
}
