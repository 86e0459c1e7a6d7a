/** Names of jobs, accounts, sources, source systems and object types. */
export const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

export const NAME_RULE = 'A name is 1 to 63 of a-z, 0-9, _ and -, and starts with a letter or digit.'
