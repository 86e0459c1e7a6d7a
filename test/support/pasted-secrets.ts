import fc from 'fast-check'

import {oneLine} from '../../src/base/errors.ts'

/** Secrets as services give them, and as they are pasted: with line ends, quotes, backslashes and blanks. */
export const pastedSecrets = fc
  .oneof(
    fc.string({minLength: 12, maxLength: 60, unit: 'binary'}),
    fc.stringMatching(/^[A-Za-z0-9+/_.~-]{12,60}$/),
    fc
      .array(fc.stringMatching(/^[A-Za-z0-9+/]{16,64}$/), {minLength: 2, maxLength: 5})
      .map((lines) => lines.join('\n')),
  )
  // What is but blanks, or one character again and again, stands in ordinary text.
  .filter((secret) => secret.isWellFormed() && new Set(oneLine(secret, 100).replaceAll(' ', '')).size >= 6)

/** Ways to write a secret into a text. */
export const WAYS_TO_WRITE: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (secret) => secret,
  'in a line of an error': (secret) => oneLine(`refused with ${secret}!`, 10_000),
  'as JSON': (secret) => JSON.stringify({token: secret}),
  'as JSON within JSON': (secret) => JSON.stringify({body: JSON.stringify({token: secret})}),
  'in an address': (secret) => `https://host/?token=${encodeURIComponent(secret)}`,
  'in a form': (secret) => new URLSearchParams({token: secret}).toString(),
  'as base64': (secret) => Buffer.from(secret).toString('base64'),
  'as base64 for an address': (secret) => Buffer.from(secret).toString('base64url'),
  'in basic authorization': (secret) => `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`,
  'in basic authorization of a longer name': (secret) => Buffer.from(`user1:${secret}:x`).toString('base64'),
}
