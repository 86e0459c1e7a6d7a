/** Every name of a job, account, source, source system or object type matches this. */
export const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

export const NAME_RULE = 'a name is 1 to 63 of a-z, 0-9, _ and -, and starts with a letter or digit'

/** The advice is the rule as a sentence of its own. */
export const NAME_ADVICE = `A${NAME_RULE.slice(1)}.`
