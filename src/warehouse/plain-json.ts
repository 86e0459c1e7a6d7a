/**
 * Finds in a text what readers of JSON differ in: numbers of many digits or with an exponent, surrogates and NUL as escapes, and what
 * the local engine lets pass (commas before a bracket, NaN, Infinity). It may stand within a text, too: then it is asked in vain.
 */
const DIFFERS_BETWEEN_READERS = String.raw`(?:^|[\[:,])\s*-?(?:[\d.]{16}|[\d.]+[eE]|[NIi]|na)|\\u(?:[dD]|0000)|,\s*[\]}]`
const MOST_BRACKETS = 100
const MOST_BYTES = 1_000_000
/** Holds in the local engine for a `payload` that every reader of JSON takes, as far as is known. */
export const IS_PLAIN_JSON = `strlen(payload) <= ${MOST_BYTES} AND NOT regexp_matches(payload, '${DIFFERS_BETWEEN_READERS}')
  AND strlen(payload) - strlen(replace(replace(payload, '{', ''), '[', '')) <= ${MOST_BRACKETS} AND json_valid(payload)`
