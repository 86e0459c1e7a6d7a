/** Names of jobs, accounts, sources, source systems and object types. */
export const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

export const NAME_RULE = 'a name is 1 to 63 of a-z, 0-9, _ and -, and starts with a letter or digit'

/** The rule as a sentence of its own. */
export const NAME_ADVICE = `A${NAME_RULE.slice(1)}.`
